/**
 * The relay over streams: `readable.pipeTo(writable)` both ways. The streams are our own, around a connection's
 * `read`, `write` and `closeWrite`: Deno's built-in `conn.readable` closes the whole socket at the end of input and
 * so loses what the other side still sends (denoland/deno #22258, #27510).
 */
import { type BufferPool, ReadBuffer } from "./buffers.ts";
import type { Activity, Deadlines, Watched } from "./deadlines.ts";
import { type DirectionState, outcomeOf, type SinkFailure } from "./ending.ts";
import { lingerMs, type Relay, type RelayEnd, type RelayLimits, type Socket } from "./engine.ts";

/** What the stream relay needs of a socket. Errors are thrown as `Deno.errors.*`. */
export interface ByteSocket extends Socket {
  /** Resolves to the number of bytes put into `into`, or null at the end of input. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Resolves to the number of bytes taken, at least 1. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /** Sends a FIN behind the last byte. */
  closeWrite(): Promise<void>;
}

/** A client that has sent nothing for so long is taken to send nothing more. Not less: a busy one may get no processor. */
const quietMs = 500;

/** What a failed write says: the peer had finished and then closed (EPIPE), or it cut the connection. */
function writeFailure(error: unknown): SinkFailure {
  return error instanceof Deno.errors.BrokenPipe ? "closed" : "reset";
}

interface DirectionOptions {
  readonly pool: BufferPool;
  readonly onTurn: () => void;
  /** True when a write to the source has found it cut: the kernel tells that once, and the read sees an end of input. */
  readonly sourceWasCut: () => boolean;
}

/** One direction of a session: from `source` to `sink`, told to `onTurn` whenever it ends, on either side. */
class Direction implements DirectionState {
  readonly #source: ByteSocket;
  readonly #sink: ByteSocket;
  readonly #buffer: ReadBuffer;
  readonly #onTurn: () => void;
  readonly #sourceWasCut: () => boolean;
  receivedBytes = 0;
  sentBytes = 0;
  firstByteAt: number | undefined;
  lastByteAt = -Infinity;
  waitingSince = Infinity;
  sourceEnd: "eof" | "reset" | undefined;
  sinkFailed: SinkFailure | undefined;
  ended = false;

  constructor(source: ByteSocket, sink: ByteSocket, options: DirectionOptions) {
    this.#source = source;
    this.#sink = sink;
    this.#buffer = new ReadBuffer(options.pool);
    this.#onTurn = options.onTurn;
    this.#sourceWasCut = options.sourceWasCut;
  }

  /** Settles when no read and no write is in flight any more. Never rejects. */
  async run(): Promise<void> {
    // No chunk is ever queued: the next pull waits for the write of the one before, which is what lets every read
    // of a direction use the same buffer, and a full receiver stop the sender.
    const readable = new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: (c) => this.#pull(c) }, {
      highWaterMark: 0,
    });
    const writable = new WritableStream<Uint8Array<ArrayBuffer>>({
      write: (chunk) => this.#write(chunk),
      close: () => this.#finish(),
    });
    try {
      await readable.pipeTo(writable);
    } catch {
      // The source was cut, or this relay was: `sourceEnd` has it, or whoever closed the socket knows.
    } finally {
      this.#buffer[Symbol.dispose]();
    }
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    let size: number | null;
    try {
      size = await this.#source.read(this.#buffer.bytes);
    } catch (error) {
      this.sourceEnd = "reset";
      controller.error(error);
      this.#onTurn();
      return;
    }
    if (size === null) {
      this.sourceEnd = "eof";
      controller.close();
      return;
    }
    this.lastByteAt = performance.now();
    this.firstByteAt ??= this.lastByteAt;
    this.receivedBytes += size;
    controller.enqueue(this.#buffer.bytes.subarray(0, size));
  }

  async #write(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.sinkFailed === undefined) await this.#writeAll(chunk);
    this.#buffer.adapt(chunk.length);
  }

  async #writeAll(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    this.waitingSince = this.lastByteAt;
    try {
      let taken = await this.#sink.write(chunk);
      this.sentBytes += taken;
      while (taken < chunk.length) {
        this.waitingSince = this.lastByteAt = performance.now();
        const more = await this.#sink.write(chunk.subarray(taken));
        this.sentBytes += more;
        taken += more;
      }
    } catch (error) {
      this.sinkFailed = writeFailure(error);
      this.#onTurn();
    } finally {
      this.waitingSince = Infinity;
    }
  }

  async #finish(): Promise<void> {
    // A FIN says "complete", so there is none behind a transfer that was cut.
    if (this.sinkFailed === undefined && !this.#sourceWasCut()) {
      try {
        await this.#sink.closeWrite();
      } catch {
        this.sinkFailed = "closed";
      }
    }
    this.ended = true;
    this.#onTurn();
  }
}

/** Relays between two sockets; see `Engine.relay`. */
export class StreamRelay implements Relay, Watched {
  setIndex = -1;
  readonly limits: RelayLimits;
  readonly ended: Promise<RelayEnd | "cut">;
  readonly #client: ByteSocket;
  readonly #target: ByteSocket;
  readonly #up: Direction;
  readonly #down: Direction;
  readonly #startedAt = performance.now();
  readonly #deadlines: Deadlines;
  readonly #settle: (end: RelayEnd | "cut") => void;
  #halfClosedAt = Infinity;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(
    client: ByteSocket,
    target: ByteSocket,
    options: { limits: RelayLimits; pool: BufferPool; deadlines: Deadlines },
  ) {
    this.#client = client;
    this.#target = target;
    this.limits = options.limits;
    this.#deadlines = options.deadlines;
    const onTurn = () => this.#turn();
    const { pool } = options;
    const clientCut = () => this.#down.sinkFailed === "reset";
    const targetCut = () => this.#up.sinkFailed === "reset";
    this.#up = new Direction(client, target, { pool, onTurn, sourceWasCut: clientCut });
    this.#down = new Direction(target, client, { pool, onTurn, sourceWasCut: targetCut });
    const { promise, resolve } = Promise.withResolvers<RelayEnd | "cut">();
    this.#settle = resolve;
    this.#deadlines.add(this);
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

  get activity(): Activity {
    return {
      startedAt: this.#startedAt,
      lastByteAt: Math.max(this.#up.lastByteAt, this.#down.lastByteAt),
      halfClosedAt: this.#halfClosedAt,
      waitingSince: Math.min(this.#up.waitingSince, this.#down.waitingSince),
    };
  }

  cut(): void {
    this.#end("cut");
  }

  expire(end: RelayEnd): void {
    this.#end(end);
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

  /** Something has ended: is the session over, and how? */
  #turn(): void {
    if (this.#over) return;
    const [up, down] = [this.#up, this.#down];
    if (up.ended || down.ended) this.#halfClosedAt = Math.min(this.#halfClosedAt, performance.now());
    const outcome = outcomeOf(up, down);
    if (outcome.kind === "end") this.#end(outcome.end);
    else if (outcome.kind === "targetCut") this.#targetWasCut();
    else if (outcome.kind === "targetGone") this.#hearClientOut();
    else if (outcome.kind === "clientGone") {
      this.#linger ??= setTimeout(() => this.#end("client_reset"), lingerMs);
    }
  }

  /**
   * What the target sent before it was cut is on its way to the client, and closing on unread input would destroy it. A
   * client that is being waited for has sent nothing unread; one that still sends is read until it is quiet for a moment.
   */
  #targetWasCut(): void {
    const up = this.#up;
    const reading = up.sinkFailed === undefined && up.waitingSince === Infinity;
    if (reading || up.sourceEnd !== undefined) return this.#end("server_reset");
    this.#readOn({ quietMs, mostMs: lingerMs, quiet: "server_reset", most: "server_reset" });
  }

  /** The target has finished and takes no more, so nothing is left to do but to let the client have what it is owed. */
  #hearClientOut(): void {
    this.#readOn({ quietMs: lingerMs, mostMs: this.limits.halfClosedMs, quiet: "done", most: "half_closed" });
  }

  /** Reads and throws away what the client sends until it has been quiet for a while, or has gone on for too long. */
  #readOn(
    { quietMs, mostMs, quiet, most }: { quietMs: number; mostMs: number; quiet: RelayEnd; most: RelayEnd },
  ) {
    if (this.#linger !== undefined) return;
    const endAt = performance.now() + mostMs;
    let seenBytes = -1;
    this.#linger = setInterval(() => {
      const seen = this.#up.receivedBytes;
      if (seen === seenBytes) this.#end(quiet);
      else if (performance.now() >= endAt) this.#end(most);
      seenBytes = seen;
    }, Math.min(quietMs, mostMs));
  }

  #end(end: RelayEnd | "cut"): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadlines.delete(this);
    clearTimeout(this.#linger);
    for (const socket of [this.#client, this.#target]) {
      if (end === "done") socket[Symbol.dispose]();
      else socket.reset();
    }
    this.#settle(end);
  }
}
