/** One direction of a session: bytes from one socket to the other, by recv and send, or by splice once it is bulk. */
import type { DirectionState, SinkFailure } from "../ending.ts";
import { ep, errno, type Libc, so } from "./libc.ts";
import type { Pipe, Pipes } from "./pipes.ts";
import type { Reactor } from "./reactor.ts";
import { type LinuxSocket, push } from "./socket.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** So many reads in a row, then the other sessions have theirs. */
const mostReads = 16;

/** What the sessions of a thread share: never in use by two of them at once, since no call is left in the middle. */
export interface Shared {
  readonly libc: Libc;
  readonly reactor: Reactor;
  readonly pipes: Pipes;
  /** For recv and send; a read that fills it makes a direction bulk. */
  readonly buffer: Bytes;
}

/** Moves what it can whenever it is asked to; keeps no buffer while nothing waits. */
export class LinuxDirection implements DirectionState {
  readonly #shared: Shared;
  readonly #source: LinuxSocket;
  readonly #sink: LinuxSocket;
  receivedBytes = 0;
  sentBytes = 0;
  firstByteAt: number | undefined;
  lastByteAt = -Infinity;
  waitingSince = Infinity;
  sourceEnd: "eof" | "reset" | undefined;
  sinkFailed: SinkFailure | undefined;
  ended = false;
  /** Bytes that were read and that the sink has not taken yet. */
  #held: Bytes | undefined;
  #pipe: Pipe | undefined;
  #piped = 0;

  constructor(source: LinuxSocket, sink: LinuxSocket, shared: Shared) {
    this.#source = source;
    this.#sink = sink;
    this.#shared = shared;
  }

  /** Nothing that was read waits for the sink any more. */
  get handedOn(): boolean {
    return this.#held === undefined && this.#piped === 0;
  }

  /** The source's FIN was read, and nothing before it waits for the sink any more. */
  get drained(): boolean {
    return this.sourceEnd === "eof" && this.handedOn;
  }

  /** Moves bytes until one side has to be waited for; true when it stopped only to let others have their turn. */
  move(): boolean {
    const { chunkBytes } = this.#shared.pipes;
    let spliced = 0;
    for (let reads = 0; this.#mayRead(); reads++) {
      // One chunk a turn: what follows would be glued to one that has not left yet, and be cut across pages.
      if (reads === mostReads || spliced >= chunkBytes) return true;
      if (this.#source.urgent) this.leaveBulk();
      if (this.#pipe === undefined || this.sinkFailed !== undefined) this.#receive();
      else spliced += this.#spliceIn(this.#pipe);
    }
    return false;
  }

  /** Gives back what it holds; no `move` after it. */
  close(): void {
    this.#held = undefined;
    if (this.#pipe === undefined) return;
    if (this.#piped > 0) this.#shared.pipes.close(this.#pipe);
    else this.#shared.pipes.giveBack(this.#pipe);
    this.#pipe = undefined;
  }

  #mayRead(): boolean {
    return this.#flush() && this.sourceEnd === undefined && this.#source.readable;
  }

  /** Hands on what is held; false while the sink takes no more. */
  #flush(): boolean {
    if (this.handedOn) return true;
    while (this.#held !== undefined) {
      if (!this.#sink.writable) return false;
      const rest = this.#held;
      const sent = this.#send(rest, rest.length);
      if (sent < 0) return this.sinkFailed !== undefined;
      this.#held = sent === rest.length ? undefined : rest.subarray(sent);
    }
    while (this.#piped > 0) {
      if (!this.#sink.writable) return false;
      if (!this.#spliceOut()) return this.sinkFailed !== undefined;
    }
    this.waitingSince = Infinity;
    return true;
  }

  #discard(): void {
    this.#held = undefined;
    this.waitingSince = Infinity;
    if (this.#pipe !== undefined && this.#piped > 0) {
      this.#shared.pipes.close(this.#pipe);
      this.#pipe = undefined;
      this.#piped = 0;
    }
  }

  #receive(): void {
    const { libc, buffer } = this.#shared;
    const size = libc.call.recv(this.#source.descriptor, buffer, buffer.length, 0);
    if (size <= 0) return this.#nothingRead(size);
    if (size > buffer.length) throw new Error(`recv gave ${size} of ${buffer.length} bytes`);
    this.#received(size);
    if (size === buffer.length) this.#becomeBulk();
    else {
      this.#source.cameUpShort();
      this.#lookForEnd();
    }
    if (this.sinkFailed !== undefined) return;
    const sent = this.#sink.writable ? this.#send(buffer, size) : 0;
    if (sent < size && this.sinkFailed === undefined) this.#held = buffer.slice(Math.max(0, sent), size);
  }

  /** Takes note of the end, where that comes behind the bytes that were just read. */
  #lookForEnd(): void {
    // An urgent byte in between would be left unread, and make closing destroy what was sent.
    if (!this.#source.hungUp || this.#source.urgent) return;
    const size = this.#source.peek();
    if (size <= 0) this.#nothingRead(size);
  }

  /** Sends; returns how many bytes were taken, or -1. */
  #send(bytes: Bytes, size: number): number {
    const { libc } = this.#shared;
    if (this.#sink.sends !== "undelayed") this.#sink.willSend();
    // Behind the last bytes comes a FIN at once: one packet less where it leaves with them.
    const last = this.sourceEnd === "eof";
    const flags = last ? so.MSG_NOSIGNAL | so.MSG_MORE : so.MSG_NOSIGNAL;
    const sent = libc.call.send(this.#sink.descriptor, bytes, size, flags);
    if (sent < 0) return this.#notTaken(libc.errno());
    if (sent > size) throw new Error(`send took ${sent} of ${size} bytes`);
    this.#taken(sent);
    if (sent < size) this.#wait();
    return sent;
  }

  /** Returns how many bytes came. */
  #spliceIn({ write }: Pipe): number {
    const { libc, pipes: { chunkBytes } } = this.#shared;
    const { descriptor } = this.#source;
    const size = libc.call.splice(descriptor, null, write, null, chunkBytes, ep.SPLICE_F_MOVE_NONBLOCK);
    if (size > chunkBytes) throw new Error(`splice gave ${size} of ${chunkBytes} bytes`);
    if (size > 0) {
      this.#received(size);
      this.#piped += size;
    } else if (size < 0) this.#nothingRead(size);
    // The end, or an urgent byte before it that nobody has told of yet: a read tells them apart.
    else this.leaveBulk();
    return Math.max(0, size);
  }

  #spliceOut(): boolean {
    const { libc } = this.#shared;
    const { read } = this.#pipe!;
    if (this.#sink.sends !== "undelayed") this.#sink.willSend();
    const size = libc.call.splice(
      read,
      null,
      this.#sink.descriptor,
      null,
      this.#piped,
      ep.SPLICE_F_MOVE_NONBLOCK,
    );
    if (size < 0) return this.#notTaken(libc.errno()) === 0;
    if (size > this.#piped) throw new Error(`splice took ${size} of ${this.#piped} bytes`);
    this.#piped -= size;
    this.#taken(size);
    return true;
  }

  /** A read that gave nothing: the end (0), nothing for now, or a connection that was cut. */
  #nothingRead(result: number): void {
    if (result === 0) {
      this.sourceEnd = "eof";
      return;
    }
    const number = this.#shared.libc.errno();
    if (number === errno.EAGAIN) this.#source.readable = false;
    else if (number !== errno.EINTR) this.sourceEnd = "reset";
  }

  /** A write that took nothing: -1, or 0 where it may be tried again at once. */
  #notTaken(number: number): -1 | 0 {
    if (number === errno.EINTR) return 0;
    if (number === errno.EAGAIN) this.#wait();
    else {
      this.sinkFailed = number === errno.EPIPE ? "closed" : "reset";
      this.#discard();
    }
    return -1;
  }

  #wait(): void {
    this.#sink.writable = false;
    if (this.waitingSince === Infinity) this.waitingSince = this.#shared.reactor.nowMs;
  }

  #received(size: number): void {
    const { nowMs } = this.#shared.reactor;
    this.lastByteAt = nowMs;
    this.firstByteAt ??= nowMs;
    this.receivedBytes += size;
  }

  #taken(size: number): void {
    this.sentBytes += size;
    if (this.waitingSince !== Infinity) this.waitingSince = this.lastByteAt = this.#shared.reactor.nowMs;
  }

  #becomeBulk(): void {
    if (this.sinkFailed !== undefined || this.#source.urgent) return;
    this.#pipe ??= this.#shared.pipes.take();
  }

  /** A quiet direction keeps no pipe: it is two descriptors. */
  leaveBulk(): void {
    if (this.#pipe === undefined || this.#piped > 0) return;
    this.#shared.pipes.giveBack(this.#pipe);
    this.#pipe = undefined;
  }

  /** Everything was handed on, as far as anybody knows. */
  get whole(): boolean {
    return this.drained && this.sinkFailed === undefined && !this.#sink.cut;
  }

  /** Passes the end on, once everything before it is: `cut` says that the source had none of its own will. */
  finish(cut: boolean): void {
    if (this.ended || !this.drained) return;
    this.leaveBulk();
    if (this.sinkFailed === undefined) this.#passEnd(cut);
    this.ended = true;
  }

  #passEnd(cut: boolean): void {
    const { libc, reactor } = this.#shared;
    const { descriptor } = this.#sink;
    // A FIN says "complete", so there is none behind a transfer that was cut.
    if (!cut) {
      if (libc.call.shutdown(descriptor, so.SHUT_WR) !== 0) this.sinkFailed = "closed";
    } else push(reactor, descriptor);
  }
}
