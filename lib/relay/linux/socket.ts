/** A non-blocking socket of the kernel and what is known of it: whether it may be read, written, or is cut. */
import { formatAddress } from "../../values/address.ts";
import type { Socket } from "../engine.ts";
import { ep, errno, type Libc, so, SystemError } from "./libc.ts";
import type { Reactor, Task, Watcher } from "./reactor.ts";
import { type Peer, unpackPeer } from "./socket_address.ts";

const one = new Uint8Array(new Int32Array([1]).buffer);
const zero = new Uint8Array(4);
const noLinger = new Uint8Array(new Int32Array([1, 0]).buffer);
const peeked = new Uint8Array(1);

const watched = ep.IN | ep.OUT | ep.PRI | ep.RDHUP | ep.ET;
const gone = ep.RDHUP | ep.ERR | ep.HUP;

/** Opens a non-blocking socket for an address in the kernel's form. Throws SystemError. */
export function openSocket({ libc }: Reactor, address: Uint8Array): number {
  const descriptor = libc.call.socket(address[0]!, so.STREAM_NONBLOCK_CLOEXEC, 0);
  if (descriptor < 0) throw new SystemError("socket", libc.errno());
  return descriptor;
}

/** Sets a socket option, named by its level and its own number, to 1. */
export function switchOn({ libc }: Reactor, descriptor: number, option: readonly [number, number]): void {
  libc.call.setsockopt(descriptor, option[0], option[1], one, one.length);
}

/**
 * Has a connection to be made keep the last ACK of its handshake for the first bytes, which must be at hand: a packet
 * less for both sides (tcp(7), TCP_QUICKACK; tcp_rcv_synsent_state_process in Linux).
 */
export function ackWithData({ libc }: Reactor, descriptor: number): void {
  libc.call.setsockopt(descriptor, so.IPPROTO_TCP, so.TCP_QUICKACK, zero, zero.length);
}

/** Has what the kernel keeps back for more to come (MSG_MORE) leave now: TCP_NODELAY does, whenever it is set (tcp(7)). */
export function push(reactor: Reactor, descriptor: number): void {
  switchOn(reactor, descriptor, [so.IPPROTO_TCP, so.TCP_NODELAY]);
}

/** Has close(2) send an RST and drop what is unsent: lingering for 0 seconds (socket(7), SO_LINGER). */
export function lingerNot(libc: Libc, descriptor: number): void {
  libc.call.setsockopt(descriptor, so.SOL_SOCKET, so.SO_LINGER, noLinger, noLinger.length);
}

/** Owns a descriptor from the start, also when the constructor throws; disposing closes it. */
export class LinuxSocket implements Socket, Watcher {
  readonly descriptor: number;
  /** Until a call says otherwise; the kernel tells each change only once. */
  readable = true;
  writable = true;
  /** The peer has finished or is gone: behind what there is to be read comes an end. */
  hungUp = false;
  /** Urgent data has come: a read ends at its mark, and splice never gets past it. */
  urgent = false;
  /** The connection was cut, or could not be made; the kernel tells it only once, perhaps while nobody listens. */
  cut = false;
  closed = false;
  /** How many sends may have gone out without TCP_NODELAY; only the second can be held up by Nagle's algorithm. */
  sends: "none" | "one" | "undelayed" = "undelayed";
  /** Runs when something has changed, and at once when somebody else closes it. */
  owner: Task | undefined;
  readonly #peer: Peer;
  readonly #reactor: Reactor;
  readonly #isTcp: boolean;

  constructor(reactor: Reactor, descriptor: number, peer: Peer) {
    this.#reactor = reactor;
    this.descriptor = descriptor;
    this.#peer = peer;
    this.#isTcp = typeof peer === "number" || peer?.kind === "tcp";
    try {
      reactor.watch(descriptor, this, watched);
    } catch (error) {
      this.reset();
      throw error;
    }
  }

  get remote(): string {
    const peer = unpackPeer(this.#peer);
    return peer === undefined ? "unix:" : formatAddress(peer);
  }

  get remoteHost(): string {
    const peer = unpackPeer(this.#peer);
    return peer?.kind === "tcp" ? peer.host : "unix:";
  }

  ready(events: number): void {
    if ((events & (ep.IN | ep.PRI | gone)) !== 0) this.readable = true;
    if ((events & (ep.OUT | ep.ERR | ep.HUP)) !== 0) this.writable = true;
    if ((events & gone) !== 0) this.hungUp = true;
    if ((events & ep.ERR) !== 0) this.cut = true;
    if ((events & ep.PRI) !== 0) this.urgent = true;
    if (this.owner !== undefined) this.#reactor.soon(this.owner);
  }

  /** Takes note of a read that got less than it asked for: mostly that was all, and an event tells of more. */
  cameUpShort(): void {
    // A unix socket also ends a read behind bytes that came with descriptors (unix(7), SCM_RIGHTS).
    this.readable = this.hungUp || this.urgent || !this.#isTcp;
  }

  /** Before each send: what follows others at once is not to wait for their ACK. */
  willSend(): void {
    if (this.sends === "one") switchOn(this.#reactor, this.descriptor, [so.IPPROTO_TCP, so.TCP_NODELAY]);
    this.sends = this.sends === "none" ? "one" : "undelayed";
  }

  /** As recv of one byte that leaves it where it is: 1, 0 at the end, or -1 and errno. Sees past an urgent byte. */
  peek(): number {
    return this.#reactor.libc.call.recv(this.descriptor, peeked, peeked.length, so.MSG_PEEK);
  }

  /** Whether something is there to be read. */
  hasBytes(): boolean {
    if (!this.readable) return false;
    const size = this.peek();
    if (size >= 0) return size > 0;
    const number = this.#reactor.libc.errno();
    // A call is told of an error once, so it must not be forgotten.
    if (number !== errno.EAGAIN && number !== errno.EINTR) this.cut = true;
    return false;
  }

  /** Bytes that the peer has not acknowledged yet; 0 where the kernel does not tell. */
  unsentBytes(): number {
    const size = new Int32Array(1);
    const { libc } = this.#reactor;
    return libc.call.ioctl(this.descriptor, so.SIOCOUTQ, new Uint8Array(size.buffer)) === 0 ? size[0]! : 0;
  }

  reset(): void {
    if (this.closed) return;
    lingerNot(this.#reactor.libc, this.descriptor);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.closed) return;
    this.closed = true;
    this.#reactor.forget(this.descriptor);
    this.#reactor.libc.call.close(this.descriptor);
    // At once: no timer of the owner's may find a descriptor that is closed, or somebody else's by now.
    this.owner?.run();
  }
}
