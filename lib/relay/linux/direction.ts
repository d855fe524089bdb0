/** One direction of a session: bytes from one socket to the other, by recv and send, or by splice once it is bulk. */
import type { DirectionState, SinkFailure } from "../ending.ts";
import { errno, type Libc, pipeConstants, socketConstants } from "./libc.ts";
import type { Pipe, Pipes } from "./pipes.ts";
import type { Reactor } from "./reactor.ts";
import type { LinuxSocket } from "./socket.ts";
import { uncork } from "./socket_options.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How many reads a direction makes in a row before other sessions may run. */
const maxReadsPerPump = 16;

/** What the sessions of a thread share: two of them never use it at once, because none waits while it does. */
export interface ThreadResources {
  readonly libc: Libc;
  readonly reactor: Reactor;
  readonly pipes: Pipes;
  /** For recv and send; a read that fills it makes a direction bulk. */
  readonly buffer: Bytes;
}

/** Moves what it can whenever it is pumped; keeps no buffer while nothing waits. */
export class LinuxDirection implements DirectionState {
  readonly #resources: ThreadResources;
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
  #unsent: Bytes | undefined;
  #pipe: Pipe | undefined;
  #pipedBytes = 0;
  /** As much as is spliced at a time; no bound while nothing is. */
  #chunkBytes = Infinity;

  constructor(source: LinuxSocket, sink: LinuxSocket, resources: ThreadResources) {
    this.#source = source;
    this.#sink = sink;
    this.#resources = resources;
  }

  /** Nothing that was read waits for the sink any more. */
  get isFlushed(): boolean {
    return this.#unsent === undefined && this.#pipedBytes === 0;
  }

  /** The source's FIN was read, and nothing before it waits for the sink any more. */
  get isDrained(): boolean {
    return this.sourceEnd === "eof" && this.isFlushed;
  }

  /** Moves bytes until one side has to be waited for; true when it stopped only so that other sessions run, too. */
  pump(): boolean {
    let splicedBytes = 0;
    for (let reads = 0; this.#canRead(); reads++) {
      // One chunk a pump: what follows would be joined to one that has not left yet, and be cut across pages.
      if (reads === maxReadsPerPump || splicedBytes >= this.#chunkBytes) return true;
      if (this.#source.urgent) this.stopSplicing();
      if (this.#pipe === undefined || this.sinkFailed !== undefined) this.#receive();
      else splicedBytes += this.#spliceIn(this.#pipe);
    }
    return false;
  }

  /** Gives back what it holds; no `pump` after it. */
  close(): void {
    this.#unsent = undefined;
    const pipe = this.#pipe;
    if (pipe === undefined) return;
    this.#pipe = undefined;
    if (this.#pipedBytes > 0) this.#resources.pipes.close(pipe);
    else this.#resources.pipes.release(pipe);
  }

  #canRead(): boolean {
    return this.#flush() && this.sourceEnd === undefined && this.#source.readable;
  }

  /** Sends what waits for the sink; false while the sink takes no more. */
  #flush(): boolean {
    if (this.isFlushed) return true;
    while (this.#unsent !== undefined) {
      if (!this.#sink.writable) return false;
      const rest = this.#unsent;
      const sent = this.#send(rest, rest.length);
      if (sent < 0) return this.sinkFailed !== undefined;
      this.#unsent = sent === rest.length ? undefined : rest.subarray(sent);
    }
    while (this.#pipedBytes > 0) {
      if (!this.#sink.writable) return false;
      if (!this.#spliceOut()) return this.sinkFailed !== undefined;
    }
    this.waitingSince = Infinity;
    return true;
  }

  #discard(): void {
    this.#unsent = undefined;
    this.waitingSince = Infinity;
    if (this.#pipe !== undefined && this.#pipedBytes > 0) {
      this.#resources.pipes.close(this.#pipe);
      this.#pipe = undefined;
      this.#pipedBytes = 0;
    }
  }

  #receive(): void {
    const { libc, buffer } = this.#resources;
    const size = libc.call.recv(this.#source.descriptor, buffer, buffer.length, 0);
    if (size <= 0) return this.#noteEmptyRead(size);
    if (size > buffer.length) throw new Error(`recv gave ${size} of ${buffer.length} bytes`);
    this.#countReceived(size);
    if (size === buffer.length) this.#startSplicing();
    else {
      this.#source.noteShortRead();
      this.#checkForEnd();
    }
    if (this.sinkFailed !== undefined) return;
    const sent = this.#sink.writable ? this.#send(buffer, size) : 0;
    if (sent < size && this.sinkFailed === undefined) this.#unsent = buffer.slice(Math.max(0, sent), size);
  }

  /** Notes the end, where that comes behind the bytes that were just read. */
  #checkForEnd(): void {
    // An urgent byte in between would be left unread, and make closing destroy what was sent.
    if (!this.#source.hungUp || this.#source.urgent) return;
    const size = this.#source.peekByte();
    if (size <= 0) this.#noteEmptyRead(size);
  }

  /** Sends; returns how many bytes were taken, or -1. */
  #send(bytes: Bytes, size: number): number {
    const { libc } = this.#resources;
    if (this.#sink.sends !== "undelayed") this.#sink.noteSend();
    // Behind the last bytes comes a FIN at once: one packet less where it leaves with them.
    const last = this.sourceEnd === "eof";
    const flags = last
      ? socketConstants.MSG_NOSIGNAL | socketConstants.MSG_MORE
      : socketConstants.MSG_NOSIGNAL;
    const sent = libc.call.send(this.#sink.descriptor, bytes, size, flags);
    if (sent < 0) return this.#noteFailedWrite(libc.errno());
    if (sent > size) throw new Error(`send took ${sent} of ${size} bytes`);
    this.#countSent(sent);
    if (sent < size) this.#waitForSink();
    return sent;
  }

  /** Returns how many bytes came. */
  #spliceIn({ write }: Pipe): number {
    const { libc } = this.#resources;
    const { descriptor } = this.#source;
    const chunkBytes = this.#chunkBytes;
    const size = libc.call.splice(
      descriptor,
      null,
      write,
      null,
      chunkBytes,
      pipeConstants.SPLICE_F_MOVE_NONBLOCK,
    );
    if (size > chunkBytes) throw new Error(`splice gave ${size} of ${chunkBytes} bytes`);
    if (size > 0) {
      this.#countReceived(size);
      this.#pipedBytes += size;
    } else if (size < 0) this.#noteEmptyRead(size);
    // The end, or an urgent byte before it that no event has reported yet: a read can distinguish them.
    else this.stopSplicing();
    return Math.max(0, size);
  }

  #spliceOut(): boolean {
    const { libc } = this.#resources;
    const { read } = this.#pipe!;
    if (this.#sink.sends !== "undelayed") this.#sink.noteSend();
    const size = libc.call.splice(
      read,
      null,
      this.#sink.descriptor,
      null,
      this.#pipedBytes,
      pipeConstants.SPLICE_F_MOVE_NONBLOCK,
    );
    if (size < 0) return this.#noteFailedWrite(libc.errno()) === 0;
    if (size > this.#pipedBytes) throw new Error(`splice took ${size} of ${this.#pipedBytes} bytes`);
    this.#pipedBytes -= size;
    this.#countSent(size);
    return true;
  }

  /** A read that gave nothing: the end (0), nothing for now, or a connection that was cut. */
  #noteEmptyRead(result: number): void {
    if (result === 0) {
      this.sourceEnd = "eof";
      return;
    }
    const number = this.#resources.libc.errno();
    if (number === errno.EAGAIN) this.#source.readable = false;
    else if (number !== errno.EINTR) this.sourceEnd = "reset";
  }

  /** A write that took nothing: -1, or 0 where it may be tried again at once. */
  #noteFailedWrite(number: number): -1 | 0 {
    if (number === errno.EINTR) return 0;
    if (number === errno.EAGAIN) this.#waitForSink();
    else {
      this.sinkFailed = number === errno.EPIPE ? "closed" : "reset";
      this.#discard();
    }
    return -1;
  }

  #waitForSink(): void {
    this.#sink.writable = false;
    if (this.waitingSince === Infinity) this.waitingSince = this.#resources.reactor.nowMs;
  }

  #countReceived(size: number): void {
    const { nowMs } = this.#resources.reactor;
    this.lastByteAt = nowMs;
    this.firstByteAt ??= nowMs;
    this.receivedBytes += size;
  }

  #countSent(size: number): void {
    this.sentBytes += size;
    if (this.waitingSince !== Infinity) this.waitingSince = this.lastByteAt = this.#resources.reactor.nowMs;
  }

  #startSplicing(): void {
    if (this.sinkFailed !== undefined || this.#source.urgent) return;
    if (this.#pipe !== undefined) return;
    const { pipes } = this.#resources;
    this.#pipe = pipes.acquire();
    this.#chunkBytes = pipes.chunkBytes(this.#sink.segmentBytes());
  }

  /** Gives an empty pipe back: it is two descriptors, which a quiet direction does not keep. */
  stopSplicing(): void {
    if (this.#pipe === undefined || this.#pipedBytes > 0) return;
    this.#resources.pipes.release(this.#pipe);
    this.#pipe = undefined;
  }

  /** Everything up to the source's FIN was sent, and nothing is known to have been lost. */
  get isComplete(): boolean {
    return this.isDrained && this.sinkFailed === undefined && !this.#sink.failed;
  }

  /** Passes the end on, once everything before it is: `cut` says that the source had none of its own will. */
  finish(cut: boolean): void {
    if (this.ended || !this.isDrained) return;
    this.stopSplicing();
    if (this.sinkFailed === undefined) this.#passEnd(cut);
    this.ended = true;
  }

  #passEnd(cut: boolean): void {
    const { libc } = this.#resources;
    const { descriptor } = this.#sink;
    // A FIN says "complete", so there is none behind a transfer that was cut.
    if (!cut) {
      if (libc.call.shutdown(descriptor, socketConstants.SHUT_WR) !== 0) this.sinkFailed = "closed";
    } else uncork(libc, descriptor);
  }
}
