import {
  maxPeekBytes,
  type Peeked,
  type PeekOptions,
  type WriteOptions,
  type Written,
} from "../../lib/relay/engine.ts";
import type { ByteSocket } from "../../lib/relay/portable/stream_relay.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How many bytes may lie unread between the two ends, each way: a writer waits for room beyond it. */
export const socketBufferBytes = 64 * 1024;

/** Where an end and its peer are, and what is called when it is closed. */
export interface EndOptions {
  readonly local: string;
  readonly remote: string;
  readonly remoteHost: string;
  readonly onClose: () => void;
}

/**
 * One end of a connection without sockets, with the rules of TCP on Linux: bytes that have arrived stay readable
 * after a FIN and after an RST; an RST is an error once, of the next read or write; closing on unread input sends an RST;
 * what is written to a peer that closed is lost and answered with an RST, which after its FIN reads as a broken pipe.
 */
export class MemorySocket implements ByteSocket {
  readonly remote: string;
  readonly remoteHost: string;
  readonly local: string;
  readonly #onClose: () => void;
  readonly #goneCallbacks = new Set<() => void>();
  #peer: MemorySocket = this;
  #inbox: Bytes[] = [];
  #inboxBytes = 0;
  #peekedBytes = 0;
  #finReceived = false;
  #finSent = false;
  #closed = false;
  #wasReset = false;
  #error: Error | undefined;
  #changed = Promise.withResolvers<void>();

  /** Makes the two ends of a connection. */
  static pair(first: EndOptions, second: EndOptions): [MemorySocket, MemorySocket] {
    const [a, b] = [new MemorySocket(first), new MemorySocket(second)];
    [a.#peer, b.#peer] = [b, a];
    return [a, b];
  }

  private constructor({ local, remote, remoteHost, onClose }: EndOptions) {
    this.local = local;
    this.remote = remote;
    this.remoteHost = remoteHost;
    this.#onClose = onClose;
  }

  async peek({ minBytes, timeoutMs }: PeekOptions): Promise<Peeked> {
    if (!(minBytes >= 1 && minBytes <= maxPeekBytes)) throw new RangeError(`peek of ${minBytes} bytes`);
    const isOver = () => this.#isGone || this.#finReceived || this.#inboxBytes >= minBytes;
    const inTime = await this.#changedUntil(isOver, timeoutMs);
    this.#peekedBytes = 0;
    if (this.#isGone) return { kind: "gone" };
    const bytes = this.#first(Math.min(this.#inboxBytes, maxPeekBytes));
    this.#peekedBytes = bytes.length;
    if (bytes.length >= minBytes) return { kind: "bytes", bytes };
    return { kind: inTime ? "end" : "timeout", bytes };
  }

  skip(bytes: number): void {
    if (bytes > this.#peekedBytes) throw new RangeError(`skip ${bytes} of ${this.#peekedBytes} peeked bytes`);
    this.#peekedBytes -= bytes;
    this.#take(new Uint8Array(bytes));
  }

  whenGone(callback: () => void): () => void {
    const once = () => void (this.#goneCallbacks.delete(once) && callback());
    this.#goneCallbacks.add(once);
    if (this.#isGone) queueMicrotask(once);
    return () => void this.#goneCallbacks.delete(once);
  }

  async read(into: Bytes): Promise<number | null> {
    for (;;) {
      if (this.#closed) throw new Deno.errors.BadResource("closed");
      if (this.#inboxBytes > 0) return this.#take(into);
      if (this.#finReceived) return null;
      this.#throwOnce();
      if (this.#wasReset) return null;
      await this.#changed.promise;
    }
  }

  /** As `Socket.write`; without options as a test's peer writes: some of it, and how much. */
  write(bytes: Bytes): Promise<number>;
  write(bytes: Bytes, options: WriteOptions): Promise<Written>;
  async write(bytes: Bytes, options?: WriteOptions): Promise<number | Written> {
    if (options === undefined) return await this.writeSome(bytes);
    let sentBytes = 0;
    const deliver = () => {
      if (!this.#isGone) sentBytes += this.#deliver(bytes.subarray(sentBytes));
      return this.#isGone || sentBytes === bytes.length;
    };
    if (!await this.#changedUntil(deliver, options.timeoutMs)) return "timeout";
    return this.#isGone ? "gone" : "written";
  }

  async writeSome(bytes: Bytes): Promise<number> {
    for (;;) {
      if (this.#closed) throw new Deno.errors.BadResource("closed");
      this.#throwOnce();
      if (this.#wasReset || this.#finSent) throw new Deno.errors.BrokenPipe("broken pipe");
      const taken = this.#deliver(bytes);
      if (taken > 0) return taken;
      await this.#changed.promise;
    }
  }

  closeWrite(): Promise<void> {
    if (this.#closed) return Promise.reject(new Deno.errors.BadResource("closed"));
    if (this.#wasReset) return Promise.reject(new Deno.errors.NotConnected("not connected"));
    this.#sendFin();
    return Promise.resolve();
  }

  keepAlive(): void {
    // A peer in the same memory cannot vanish.
  }

  reset(): void {
    if (!this.#close()) return;
    this.#peer.#receiveReset();
  }

  [Symbol.dispose](): void {
    const unread = this.#inboxBytes > 0;
    if (!this.#close()) return;
    if (unread) this.#peer.#receiveReset();
    else this.#sendFin();
  }

  /** Marks this end closed; false when it was already. */
  #close(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#notify();
    this.#callGone();
    this.#onClose();
    return true;
  }

  #sendFin(): void {
    if (this.#finSent) return;
    this.#finSent = true;
    this.#peer.#finReceived = true;
    this.#peer.#notify();
  }

  #receiveReset(): void {
    if (this.#closed || this.#wasReset) return;
    this.#wasReset = true;
    this.#error = this.#finReceived
      ? new Deno.errors.BrokenPipe("broken pipe")
      : new Deno.errors.ConnectionReset("connection reset by peer");
    this.#callGone();
    this.#notify();
  }

  /** Puts as much as there is room for into the peer's inbox. */
  #deliver(bytes: Bytes): number {
    const peer = this.#peer;
    if (peer.#closed) {
      this.#receiveReset();
      return bytes.length;
    }
    const taken = Math.min(bytes.length, socketBufferBytes - peer.#inboxBytes);
    if (taken === 0) return 0;
    peer.#inbox.push(bytes.slice(0, taken));
    peer.#inboxBytes += taken;
    peer.#notify();
    return taken;
  }

  get #isGone(): boolean {
    return this.#closed || this.#wasReset;
  }

  #callGone(): void {
    for (const once of [...this.#goneCallbacks]) once();
  }

  /** Resolves once something holds, asked again at each change: true; or false when the time is up. */
  async #changedUntil(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<"timeout">((resolve) => {
      if (Number.isFinite(timeoutMs)) timer = setTimeout(() => resolve("timeout"), timeoutMs);
    });
    try {
      while (!holds()) {
        if (await Promise.race([this.#changed.promise, timeout]) === "timeout") return holds();
      }
      return true;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The first bytes of the inbox, which stay there. */
  #first(size: number): Bytes {
    const bytes = new Uint8Array(size);
    let filled = 0;
    for (const part of this.#inbox) {
      const fitting = part.subarray(0, size - filled);
      bytes.set(fitting, filled);
      filled += fitting.length;
    }
    return bytes;
  }

  #take(into: Bytes): number {
    let filled = 0;
    for (let head = this.#inbox[0]; head !== undefined && filled < into.length; head = this.#inbox[0]) {
      const part = head.subarray(0, into.length - filled);
      into.set(part, filled);
      filled += part.length;
      if (part.length === head.length) this.#inbox.shift();
      else this.#inbox[0] = head.subarray(part.length);
    }
    this.#inboxBytes -= filled;
    this.#peer.#notify();
    return filled;
  }

  #throwOnce(): void {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
