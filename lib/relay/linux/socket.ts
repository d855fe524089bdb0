/** A non-blocking socket of the kernel and what is known of it: whether it may be read, written, or is cut. */
import type { SocketAddress } from "../../values/address.ts";
import { formatAddress } from "../../values/address.ts";
import type { Socket } from "../engine.ts";
import { ep, so } from "./libc.ts";
import type { Reactor, Watcher } from "./reactor.ts";

const noLinger = new Uint8Array(new Int32Array([1, 0]).buffer);

/** Owns a descriptor from the start, even where making one throws because it cannot be watched; disposing closes it. */
export class LinuxSocket implements Socket, Watcher {
  readonly descriptor: number;
  readonly remote: string;
  readonly remoteHost: string;
  /** Until a call says otherwise; the kernel tells each change only once. */
  readable = true;
  writable = true;
  /** The peer has finished or is gone: a read that comes up short has not seen the end yet. */
  hungUp = false;
  /** The connection was cut; the kernel tells it only once, perhaps while nobody listens. */
  cut = false;
  /** Told after the flags are set. */
  onReady: ((events: number) => void) | undefined;
  readonly #reactor: Reactor;
  #closed = false;

  constructor(reactor: Reactor, descriptor: number, remote: SocketAddress | undefined) {
    this.#reactor = reactor;
    this.descriptor = descriptor;
    this.remoteHost = remote?.kind === "tcp" ? remote.host : "unix:";
    this.remote = remote === undefined ? "unix:" : formatAddress(remote);
    try {
      reactor.watch(descriptor, this);
    } catch (error) {
      this.reset();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  ready(events: number): void {
    if ((events & (ep.IN | ep.RDHUP | ep.ERR | ep.HUP)) !== 0) this.readable = true;
    if ((events & (ep.OUT | ep.ERR | ep.HUP)) !== 0) this.writable = true;
    if ((events & (ep.RDHUP | ep.ERR | ep.HUP)) !== 0) this.hungUp = true;
    if ((events & ep.ERR) !== 0) this.cut = true;
    this.onReady?.(events);
  }

  /** Bytes that the peer has not acknowledged yet; 0 where the kernel does not tell. */
  unsentBytes(): number {
    const size = new Int32Array(1);
    const { libc } = this.#reactor;
    return libc.call.ioctl(this.descriptor, so.SIOCOUTQ, new Uint8Array(size.buffer)) === 0 ? size[0]! : 0;
  }

  reset(): void {
    if (this.#closed) return;
    // Lingering for 0 seconds makes close(2) send an RST and drop what is unsent.
    this.#reactor.libc.call.setsockopt(
      this.descriptor,
      so.SOL_SOCKET,
      so.SO_LINGER,
      noLinger,
      noLinger.length,
    );
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reactor.forget(this.descriptor);
    this.#reactor.libc.call.close(this.descriptor);
    this.onReady?.(ep.ERR);
  }
}
