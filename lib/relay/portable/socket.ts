/** One of Deno's connections, with what Deno does not have: looking at bytes without taking them, and noticing a reset. */
import { formatAddress } from "../../values/address.ts";
import type { Peeked, PeekOptions, WriteOptions, Written } from "../engine.ts";
import { ReadAhead } from "./read_ahead.ts";
import type { ByteSocket } from "./stream_relay.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** See `Socket`; owns the connection. */
export class PortableSocket implements ByteSocket {
  readonly remote: string;
  readonly remoteHost: string;
  readonly #conn: Deno.Conn;
  #ahead: ReadAhead | undefined;
  #closed = false;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    const { remoteAddr } = conn;
    if (remoteAddr.transport === "tcp") {
      this.remoteHost = withoutMapping(remoteAddr.hostname);
      this.remote = formatAddress({ kind: "tcp", host: this.remoteHost, port: remoteAddr.port });
      setOption(() => (conn as Deno.TcpConn).setNoDelay(true));
    } else {
      this.remoteHost = this.remote = "unix:";
    }
  }

  get local(): string {
    const { localAddr } = this.#conn;
    if (localAddr.transport === "tcp") {
      return formatAddress({ kind: "tcp", host: withoutMapping(localAddr.hostname), port: localAddr.port });
    }
    return `unix:${localAddr.transport === "unix" ? localAddr.path ?? "" : ""}`;
  }

  async peek(options: PeekOptions): Promise<Peeked> {
    return await this.#readAhead().peek(options);
  }

  skip(bytes: number): void {
    this.#readAhead().skip(bytes);
  }

  async write(bytes: Bytes, { timeoutMs }: WriteOptions): Promise<Written> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const writing = this.#writeAll(bytes);
    if (!Number.isFinite(timeoutMs)) return await writing;
    const timeout = new Promise<Written>((resolve) => {
      timer = setTimeout(() => resolve("timeout"), timeoutMs);
    });
    try {
      return await Promise.race([writing, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  whenGone(callback: () => void): () => void {
    return this.#readAhead().whenGone(callback);
  }

  async read(into: Bytes): Promise<number | null> {
    const size = await this.#ahead?.take(into);
    if (size !== undefined) return size;
    this.#ahead = undefined;
    return await this.#conn.read(into);
  }

  writeSome(bytes: Bytes): Promise<number> {
    return this.#conn.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  /** Deno can only switch it on; the times are the kernel's (net.ipv4.tcp_keepalive_time and its like, two hours). */
  keepAlive(): void {
    if (this.#conn.remoteAddr.transport === "tcp") {
      setOption(() => (this.#conn as Deno.TcpConn).setKeepAlive(true));
    }
  }

  reset(): void {
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
    this.#ahead?.markGone();
  }

  #readAhead(): ReadAhead {
    if (this.#ahead === undefined) {
      this.#ahead = new ReadAhead((into) => this.#conn.read(into));
      if (this.#closed) this.#ahead.markGone();
    }
    return this.#ahead;
  }

  async #writeAll(bytes: Bytes): Promise<Written> {
    try {
      for (let sentBytes = 0; sentBytes < bytes.length;) {
        sentBytes += await this.#conn.write(bytes.subarray(sentBytes));
      }
      return "written";
    } catch {
      return "gone";
    }
  }
}

/** A listener on [::] reports an IPv4 client as ::ffff:a.b.c.d. */
function withoutMapping(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.)/, "");
}

function setOption(set: () => void): void {
  try {
    set();
  } catch {
    // The peer is gone already; the first read will say so.
  }
}
