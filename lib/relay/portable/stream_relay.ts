/**
 * The relay over streams: `readable.pipeTo(writable)` both ways. The streams are made here, around a connection's
 * `read`, `write` and `closeWrite`: Deno's built-in `conn.readable` closes the whole socket at the end of input and
 * so loses what the other side still sends (denoland/deno #22258, #27510).
 */
import type { Activity, Expirable, LimitSweeper } from "../limits.ts";
import { outcomeOf } from "../ending.ts";
import {
  lingerMs,
  type Relay,
  type RelayEnd,
  type RelayLimits,
  type RelayObserver,
  type Socket,
} from "../engine.ts";
import type { BufferPool } from "./buffers.ts";
import { StreamDirection } from "./direction.ts";

/** What the stream relay needs of a socket. Errors are thrown as `Deno.errors.*`. */
export interface ByteSocket extends Socket {
  /** Resolves to the number of bytes put into `into`, or null at the end of input. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Resolves to the number of bytes taken, at least 1. */
  writeSome(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /** Sends a FIN behind the last byte. */
  closeWrite(): Promise<void>;
  /** Has the kernel find out when the peer has vanished, after times of its own. */
  keepAlive(): void;
}

/** A client that has sent nothing for so long is taken to send nothing more. Not less: a busy one may get no processor. */
const quietMs = 500;

/** Relays between two sockets; see `Engine.relay`. */
export class StreamRelay implements Relay, Expirable {
  setIndex = -1;
  keepsAlive = false;
  readonly limits: RelayLimits;
  readonly ended: Promise<RelayEnd | "cut">;
  readonly #client: ByteSocket;
  readonly #target: ByteSocket;
  readonly #up: StreamDirection;
  readonly #down: StreamDirection;
  readonly #startedAt = performance.now();
  readonly #sweeper: LimitSweeper;
  readonly #onFault: (error: unknown) => void;
  readonly #settle: (end: RelayEnd | "cut") => void;
  #halfClosedAt = Infinity;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;
  #hasEnded = false;

  constructor(
    client: ByteSocket,
    target: ByteSocket,
    options: {
      limits: RelayLimits;
      pool: BufferPool;
      sweeper: LimitSweeper;
      observer?: RelayObserver | undefined;
      onFault: (error: unknown) => void;
    },
  ) {
    this.#client = client;
    this.#target = target;
    this.limits = options.limits;
    this.#sweeper = options.sweeper;
    this.#onFault = options.onFault;
    const onChange = () => this.#guard(() => this.#applyOutcome());
    const onFault = (error: unknown) => this.fail(error);
    const { pool, observer } = options;
    const clientWasReset = () => this.#down.sinkFailed === "reset";
    const targetWasReset = () => this.#up.sinkFailed === "reset";
    this.#up = new StreamDirection(client, target, {
      pool,
      onChange,
      onFault,
      sourceWasReset: clientWasReset,
    });
    this.#down = new StreamDirection(target, client, {
      pool,
      onChange,
      onFault,
      sourceWasReset: targetWasReset,
      onFirstByte: () => observer?.firstByte(),
    });
    const { promise, resolve } = Promise.withResolvers<RelayEnd | "cut">();
    this.#settle = resolve;
    this.#sweeper.add(this);
    this.ended = this.#run(promise);
  }

  get receivedBytes(): number {
    return this.#up.receivedBytes;
  }

  get sentBytes(): number {
    return this.#down.sentBytes;
  }

  get firstByteAt(): number | undefined {
    return this.#down.firstByteAt;
  }

  get lastByteAt(): number {
    return Math.max(this.#up.lastByteAt, this.#down.lastByteAt, this.#startedAt);
  }

  get activity(): Activity {
    return {
      startedAt: this.#startedAt,
      lastByteAt: Math.max(this.#up.lastByteAt, this.#down.lastByteAt),
      halfClosedAt: this.#halfClosedAt,
      waitingSince: Math.min(this.#up.waitingSince, this.#down.waitingSince),
    };
  }

  cut(): void {
    this.#guard(() => this.#end("cut"));
  }

  expire(end: RelayEnd): void {
    this.#end(end);
  }

  /** A fault in the program: ends the relay as one that was cut, whatever fails on the way, and reports it. */
  fail(error: unknown): void {
    this.#hasEnded = true;
    const faults = [error];
    this.#sweeper.delete(this);
    clearTimeout(this.#lingerTimer);
    for (const socket of [this.#client, this.#target]) {
      try {
        socket.reset();
      } catch (another) {
        faults.push(another);
      }
    }
    this.#settle("cut");
    for (const each of faults) this.#onFault(each);
  }

  /** Runs what others call who are not to notice its faults. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fail(error);
    }
  }

  keepAlive(): void {
    this.keepsAlive = true;
    this.#client.keepAlive();
    this.#target.keepAlive();
  }

  async #run(end: Promise<RelayEnd | "cut">): Promise<RelayEnd | "cut"> {
    const directions = [this.#up, this.#down].map((direction) => ({ direction, settled: direction.run() }));
    const result = await end;
    // Before Deno 2.5 closing a socket does not wake a write that waits for a peer which takes nothing: such a
    // direction ends whenever the peer goes, and this session does not wait for it.
    await Promise.all(
      directions.filter(({ direction }) => direction.waitingSince === Infinity).map(({ settled }) => settled),
    );
    return result;
  }

  /** Something has ended: ends the session where that was the last of it. */
  #applyOutcome(): void {
    if (this.#hasEnded) return;
    const [up, down] = [this.#up, this.#down];
    if (up.ended || down.ended) this.#halfClosedAt = Math.min(this.#halfClosedAt, performance.now());
    const outcome = outcomeOf(up, down);
    if (outcome.kind === "end") this.#end(outcome.end);
    else if (outcome.kind === "targetCut") this.#endAfterTargetReset();
    else if (outcome.kind === "targetGone") this.#lingerForClient();
    else if (outcome.kind === "clientGone") {
      this.#lingerTimer ??= setTimeout(() => this.#guard(() => this.#end("client_reset")), lingerMs);
    }
  }

  /**
   * What the target sent before it was cut is on its way to the client, and closing on unread input would destroy it. So a
   * client that still sends is read until it is quiet for a moment: also one that is waited for just now, because its next bytes
   * may come before the close. Nothing is destroyed where the target has sent nothing, and nothing comes from a quiet client. How
   * long ago something was sent says nothing: a client that reads slowly has it yet to receive.
   */
  #endAfterTargetReset(): void {
    const [up, down] = [this.#up, this.#down];
    const isQuiet = up.sinkFailed === undefined && up.waitingSince === Infinity &&
      performance.now() - up.lastByteAt >= quietMs;
    if (down.receivedBytes === 0 || isQuiet || up.sourceEnd !== undefined) return this.#end("server_reset");
    this.#discardClientInput({ quietMs, maxMs: lingerMs, whenQuiet: "server_reset", atMax: "server_reset" });
  }

  /** The target has finished and takes no more, so nothing is left to do but to let the client receive what was written to it. */
  #lingerForClient(): void {
    this.#discardClientInput({
      quietMs: lingerMs,
      maxMs: this.limits.halfClosedMs,
      whenQuiet: "done",
      atMax: "half_closed",
    });
  }

  /** Reads and throws away what the client sends until it has been quiet for a while, or has gone on for too long. */
  #discardClientInput(
    { quietMs, maxMs, whenQuiet, atMax }: {
      quietMs: number;
      maxMs: number;
      whenQuiet: RelayEnd;
      atMax: RelayEnd;
    },
  ) {
    if (this.#lingerTimer !== undefined) return;
    const endAt = performance.now() + maxMs;
    let seenBytes = -1;
    const look = () => {
      const seen = this.#up.receivedBytes;
      if (seen === seenBytes) this.#end(whenQuiet);
      else if (performance.now() >= endAt) this.#end(atMax);
      seenBytes = seen;
    };
    this.#lingerTimer = setInterval(() => this.#guard(look), Math.min(quietMs, maxMs));
  }

  #end(end: RelayEnd | "cut"): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#sweeper.delete(this);
    clearTimeout(this.#lingerTimer);
    for (const socket of [this.#client, this.#target]) {
      if (end === "done") socket[Symbol.dispose]();
      else socket.reset();
    }
    this.#settle(end);
  }
}
