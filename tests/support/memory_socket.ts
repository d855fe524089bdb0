import type { ByteSocket } from "../../lib/relay/stream_relay.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How many bytes may lie unread between the two ends, each way: a writer waits for room beyond it. */
export const socketBufferBytes = 64 * 1024;

/** Where an end is, as its peer sees it, and who hears that it is closed. */
export interface EndOptions {
  readonly remote: string;
  readonly remoteHost: string;
  readonly onClose: () => void;
}

/**
 * One end of a connection without sockets, with the rules of TCP on Linux: bytes that have arrived stay readable
 * after a FIN and after an RST; an RST is told once, to the next read or write; closing on unread input sends an RST;
 * what is written to a peer that closed is lost and answered with an RST, which after its FIN reads as a broken pipe.
 */
export class MemorySocket implements ByteSocket {
  readonly remote: string;
  readonly remoteHost: string;
  /** Resolves once the connection is cut, from either side, or this end is closed. */
  readonly gone: Promise<void>;
  readonly #onClose: () => void;
  readonly #tellGone: () => void;
  #peer: MemorySocket = this;
  #inbox: Bytes[] = [];
  #inboxBytes = 0;
  #finReceived = false;
  #finSent = false;
  #closed = false;
  #cutOff = false;
  #error: Error | undefined;
  #changed = Promise.withResolvers<void>();

  /** Makes the two ends of a connection. */
  static pair(first: EndOptions, second: EndOptions): [MemorySocket, MemorySocket] {
    const [a, b] = [new MemorySocket(first), new MemorySocket(second)];
    [a.#peer, b.#peer] = [b, a];
    return [a, b];
  }

  private constructor({ remote, remoteHost, onClose }: EndOptions) {
    this.remote = remote;
    this.remoteHost = remoteHost;
    this.#onClose = onClose;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    this.#tellGone = resolve;
  }

  async read(into: Bytes): Promise<number | null> {
    for (;;) {
      if (this.#closed) throw new Deno.errors.BadResource("closed");
      if (this.#inboxBytes > 0) return this.#take(into);
      if (this.#finReceived) return null;
      this.#throwOnce();
      if (this.#cutOff) return null;
      await this.#changed.promise;
    }
  }

  async write(bytes: Bytes): Promise<number> {
    for (;;) {
      if (this.#closed) throw new Deno.errors.BadResource("closed");
      this.#throwOnce();
      if (this.#cutOff || this.#finSent) throw new Deno.errors.BrokenPipe("broken pipe");
      const taken = this.#deliver(bytes);
      if (taken > 0) return taken;
      await this.#changed.promise;
    }
  }

  closeWrite(): Promise<void> {
    if (this.#closed) return Promise.reject(new Deno.errors.BadResource("closed"));
    if (this.#cutOff) return Promise.reject(new Deno.errors.NotConnected("not connected"));
    this.#sendFin();
    return Promise.resolve();
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
    this.#tellGone();
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
    if (this.#closed || this.#cutOff) return;
    this.#cutOff = true;
    this.#error = this.#finReceived
      ? new Deno.errors.BrokenPipe("broken pipe")
      : new Deno.errors.ConnectionReset("connection reset by peer");
    this.#tellGone();
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
