/** Peers that do what Deno's own sockets cannot: end a connection with an RST, send urgent data, pass descriptors. Linux only. */
import assert from "node:assert/strict";

type Bytes = Uint8Array<ArrayBuffer>;

const [unix, inet, stream, socketLevel, lingerOption, noSignal, waitAll] = [1, 2, 1, 1, 13, 0x4000, 0x100];
const [outOfBand, writing, both, rights] = [1, 1, 2, 1];

// Open for the life of the tests, so that no single one of them owns it.
const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept: { parameters: ["i32", "pointer", "pointer"], result: "i32", nonblocking: true },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32", nonblocking: true },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32", nonblocking: true },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

/** struct sockaddr_in of 127.0.0.1; port and address are big-endian. */
function loopback(port: number): Bytes {
  return new Uint8Array([inet, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
}

/** Where bytes are; they stay there, because asking for `buffer` moves small arrays out of what the collector moves. */
function addressOf({ buffer, byteOffset }: Bytes | BigUint64Array<ArrayBuffer>): bigint {
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer))) + BigInt(byteOffset);
}

/** A connection that ends with an RST, when it is disposed. */
export class RawConn implements Disposable {
  readonly #fd: number;
  #closed = false;

  /** Takes over a connected socket. */
  constructor(fd: number) {
    assert.ok(fd >= 0, "no socket");
    this.#fd = fd;
  }

  static connect(port: number): RawConn {
    const fd = libc.socket(inet, stream, 0);
    const conn = new RawConn(fd);
    assert.equal(libc.connect(fd, loopback(port), 16), 0, "no connection");
    return conn;
  }

  static connectUnix(path: string): RawConn {
    const fd = libc.socket(unix, stream, 0);
    const conn = new RawConn(fd);
    const address = new Uint8Array([unix, 0, ...new TextEncoder().encode(path), 0]);
    assert.equal(libc.connect(fd, address, address.length), 0, "no connection");
    return conn;
  }

  /** Sends all of it. */
  async send(bytes: Bytes): Promise<void> {
    assert.equal(await libc.send(this.#fd, bytes, BigInt(bytes.length), noSignal), bytes.length);
  }

  /** Sends all of it, and with it the descriptor of standard input (unix(7), SCM_RIGHTS). */
  sendWithDescriptor(bytes: Bytes): void {
    const control = new BigUint64Array(3);
    const words = new Int32Array(control.buffer);
    control[0] = 20n; // cmsg_len: the header and one descriptor.
    words.set([socketLevel, rights, 0], 2);
    const parts = new BigUint64Array([addressOf(bytes), BigInt(bytes.length)]);
    // struct msghdr: no name, one part, one control message, no flags.
    const message = new BigUint64Array([0n, 0n, addressOf(parts), 1n, addressOf(control), 24n, 0n]);
    assert.equal(libc.sendmsg(this.#fd, new Uint8Array(message.buffer), noSignal), bytes.length);
  }

  /** Sends one byte as urgent data. */
  async sendUrgent(byte: number): Promise<void> {
    assert.equal(await libc.send(this.#fd, Uint8Array.of(byte), 1n, noSignal | outOfBand), 1);
  }

  /** Sends a FIN. */
  finish(): void {
    assert.equal(libc.shutdown(this.#fd, writing), 0);
  }

  /** Waits for exactly so many bytes. */
  async receive(size: number): Promise<Bytes> {
    const bytes = new Uint8Array(size);
    assert.equal(await libc.recv(this.#fd, bytes, BigInt(size), waitAll), size);
    return bytes;
  }

  /** What the kernel holds: bytes that the other side has not acknowledged, and bytes not yet read here. */
  queues(): { unacknowledged: number; unread: number } {
    const [unacknowledged, unread] = [0x5411n, 0x541Bn].map((request) => { // SIOCOUTQ, FIONREAD
      const size = new Int32Array(1);
      assert.equal(libc.ioctl(this.#fd, request, new Uint8Array(size.buffer)), 0);
      return size[0]!;
    });
    return { unacknowledged: unacknowledged!, unread: unread! };
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    // Lingering for 0 seconds is what makes closing send an RST.
    const linger = new Uint8Array(new Int32Array([1, 0]).buffer);
    assert.equal(libc.setsockopt(this.#fd, socketLevel, lingerOption, linger, linger.length), 0);
    libc.close(this.#fd);
  }
}

/** A target that ends every connection with an RST once `serve` is through with it. Its disposal fails if `serve` ever did. */
export class ResettingTarget implements AsyncDisposable {
  readonly address: string;
  readonly #fd: number;
  readonly #serving: Promise<void>[] = [];
  readonly #accepting: Promise<void>;
  readonly #failures: unknown[] = [];

  constructor(serve: (conn: RawConn) => Promise<void>) {
    this.#fd = libc.socket(inet, stream, 0);
    assert.equal(libc.bind(this.#fd, loopback(0), 16), 0);
    assert.equal(libc.listen(this.#fd, 511), 0);
    const bound = loopback(0);
    assert.equal(libc.getsockname(this.#fd, bound, new Uint8Array(new Uint32Array([16]).buffer)), 0);
    this.address = `127.0.0.1:${new DataView(bound.buffer).getUint16(2)}`;
    this.#accepting = this.#accept(serve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // This wakes an accept that waits; closing alone does not.
    libc.shutdown(this.#fd, both);
    await this.#accepting;
    libc.close(this.#fd);
    await Promise.all(this.#serving);
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  async #accept(serve: (conn: RawConn) => Promise<void>): Promise<void> {
    for (;;) {
      const fd = await libc.accept(this.#fd, null, null);
      if (fd < 0) return;
      this.#serving.push(
        this.#serveOne(new RawConn(fd), serve).catch((error) => void this.#failures.push(error)),
      );
    }
  }

  async #serveOne(accepted: RawConn, serve: (conn: RawConn) => Promise<void>): Promise<void> {
    using conn = accepted;
    await serve(conn);
  }
}
