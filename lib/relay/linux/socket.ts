/** A non-blocking socket of the kernel and what is known of it: whether it may be read, written, or is gone. */
import { formatAddress } from "../../values/address.ts";
import type { Peeked, PeekOptions, Socket, WriteOptions, Written } from "../engine.ts";
import { consume, peek, write } from "./first_bytes.ts";
import { epollConstants, errno, socketConstants } from "./libc.ts";
import type { Reactor, Task, Watcher } from "./reactor.ts";
import { localAddress, type Peer, unpackPeer } from "./socket_address.ts";
import { readOption, setAbortiveClose, setKeepAlive, setNoDelay } from "./socket_options.ts";

const peekedByte = new Uint8Array(1);

const { IN, OUT, PRI, ERR, HUP, RDHUP, ET } = epollConstants;
const watchedEvents = IN | OUT | PRI | RDHUP | ET;
const endEvents = RDHUP | ERR | HUP;

/** Owns a descriptor from the start, also when the constructor throws; disposing closes it. */
export class LinuxSocket implements Socket, Watcher {
  readonly descriptor: number;
  readonly reactor: Reactor;
  /** Until a call says otherwise: an edge-triggered epoll reports each change only once. */
  readable = true;
  writable = true;
  /** The peer has finished or is gone: behind what there is to be read comes an end. */
  hungUp = false;
  /** Urgent data has come: a read ends at its mark, and splice never gets past it. */
  urgent = false;
  /** The connection was reset, or could not be made. The kernel reports it only once, perhaps while nobody reads. */
  failed = false;
  closed = false;
  /** How many sends may have gone out without TCP_NODELAY; only the second can be held up by Nagle's algorithm. */
  sends: "none" | "one" | "undelayed" = "undelayed";
  /** Runs when something has changed, and at once when somebody else closes it. */
  owner: Task | undefined;
  readonly #peer: Peer;
  readonly #isTcp: boolean;
  #goneTasks: Task[] | undefined;
  #peekedBytes = 0;

  constructor(reactor: Reactor, descriptor: number, peer: Peer) {
    this.reactor = reactor;
    this.descriptor = descriptor;
    this.#peer = peer;
    this.#isTcp = typeof peer === "number" || peer?.kind === "tcp";
    try {
      reactor.watch(descriptor, this, watchedEvents);
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

  get local(): string {
    const local = this.closed ? undefined : localAddress(this.reactor.libc, this.descriptor);
    return local === undefined ? "unix:" : formatAddress(local);
  }

  /** Reset, or closed from this side. */
  get isGone(): boolean {
    return this.failed || this.closed;
  }

  ready(events: number): void {
    if ((events & (IN | PRI | endEvents)) !== 0) this.readable = true;
    if ((events & (OUT | ERR | HUP)) !== 0) this.writable = true;
    if ((events & endEvents) !== 0) this.hungUp = true;
    if ((events & PRI) !== 0) this.urgent = true;
    if ((events & ERR) !== 0) this.markFailed();
    if (this.owner !== undefined) this.reactor.enqueue(this.owner);
  }

  /** Notes an error of the connection: the kernel reports it to one call alone. */
  markFailed(): void {
    this.failed = true;
    for (const task of this.#goneTasks ?? []) this.reactor.enqueue(task);
  }

  async peek(options: PeekOptions): Promise<Peeked> {
    const peeked = await peek(this, options);
    this.#peekedBytes = peeked.kind === "gone" ? 0 : peeked.bytes.length;
    return peeked;
  }

  skip(bytes: number): void {
    if (bytes > this.#peekedBytes) throw new RangeError(`skip ${bytes} of ${this.#peekedBytes} peeked bytes`);
    this.#peekedBytes -= bytes;
    consume(this, bytes);
  }

  write(bytes: Uint8Array<ArrayBuffer>, options: WriteOptions): Promise<Written> {
    return write(this, bytes, options);
  }

  whenGone(callback: () => void): () => void {
    const task = new GoneTask(this, callback);
    this.watchGone(task);
    return () => void this.unwatchGone(task);
  }

  /** Has a task run when the connection is gone, until `unwatchGone`; perhaps more than once. */
  watchGone(task: Task): void {
    // Mostly it is one: an array that is pushed to makes room for many, which thousands of clients in line would each pay for.
    if (this.#goneTasks === undefined) this.#goneTasks = [task];
    else this.#goneTasks.push(task);
    if (this.isGone) this.reactor.enqueue(task);
  }

  /** Returns whether it was watching. */
  unwatchGone(task: Task): boolean {
    const index = this.#goneTasks?.indexOf(task) ?? -1;
    if (index >= 0) this.#goneTasks!.splice(index, 1);
    return index >= 0;
  }

  /** Notes that a read got less than it asked for: mostly that was all, and an event reports more. */
  noteShortRead(): void {
    // A unix socket also ends a read behind bytes that came with descriptors (unix(7), SCM_RIGHTS).
    this.readable = this.hungUp || this.urgent || !this.#isTcp;
  }

  /** Call it before each send: what follows others at once is not to wait for their ACK. */
  noteSend(): void {
    if (this.sends === "one") setNoDelay(this.reactor.libc, this.descriptor);
    this.sends = this.sends === "none" ? "one" : "undelayed";
  }

  /** As recv of one byte that leaves it where it is: 1, 0 at the end, or -1 and errno. Passes over an urgent byte. */
  peekByte(): number {
    const { call } = this.reactor.libc;
    return call.recv(this.descriptor, peekedByte, peekedByte.length, socketConstants.MSG_PEEK);
  }

  /** Whether something is there to be read. */
  hasInput(): boolean {
    if (!this.readable) return false;
    const size = this.peekByte();
    if (size >= 0) return size > 0;
    const number = this.reactor.libc.errno();
    if (number !== errno.EAGAIN && number !== errno.EINTR) this.markFailed();
    return false;
  }

  /** Bytes that the peer has not acknowledged yet; 0 where the kernel does not say. */
  unacknowledgedBytes(): number {
    const size = new Int32Array(1);
    const { call } = this.reactor.libc;
    const result = call.ioctl(this.descriptor, socketConstants.SIOCOUTQ, new Uint8Array(size.buffer));
    return result === 0 ? size[0]! : 0;
  }

  /** The largest segment that it sends, without options; 0 where there are none, or the kernel does not say. */
  segmentBytes(): number {
    if (!this.#isTcp) return 0;
    const { IPPROTO_TCP, TCP_MAXSEG } = socketConstants;
    return readOption(this.reactor.libc, this.descriptor, [IPPROTO_TCP, TCP_MAXSEG]) ?? 0;
  }

  /** Has the kernel find out when the peer has vanished (`setKeepAlive`); a unix socket's peer cannot. */
  keepAlive(ms: number): void {
    if (this.#isTcp) setKeepAlive(this.reactor.libc, this.descriptor, ms);
  }

  reset(): void {
    if (this.closed) return;
    try {
      setAbortiveClose(this.reactor.libc, this.descriptor);
    } finally {
      this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    if (this.closed) return;
    this.closed = true;
    this.reactor.unwatch(this.descriptor);
    this.reactor.libc.call.close(this.descriptor);
    // At once: no timer of the owner's may find a descriptor that is closed, or somebody else's by now.
    if (this.owner !== undefined) this.reactor.runNow(this.owner);
    for (const task of this.#goneTasks ?? []) this.reactor.enqueue(task);
  }
}

/** The callback of one `whenGone`. */
class GoneTask implements Task {
  queued = false;
  readonly #socket: LinuxSocket;
  readonly #callback: () => void;

  constructor(socket: LinuxSocket, callback: () => void) {
    this.#socket = socket;
    this.#callback = callback;
  }

  run(): void {
    if (!this.#socket.unwatchGone(this)) return;
    this.#socket.reactor.microtasksPending = true;
    this.#callback();
  }
}
