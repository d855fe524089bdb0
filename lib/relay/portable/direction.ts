/** One direction of a relay over streams: what is read from one socket is written to the other. */
import { type BufferPool, ReadBuffer } from "./buffers.ts";
import type { DirectionState, SinkFailure } from "../ending.ts";
import type { ByteSocket } from "./stream_relay.ts";

/** What a failed write says: the peer had finished and then closed (EPIPE), or it cut the connection. */
function writeFailure(error: unknown): SinkFailure {
  return error instanceof Deno.errors.BrokenPipe ? "closed" : "reset";
}

export interface StreamDirectionOptions {
  readonly pool: BufferPool;
  readonly onChange: () => void;
  /** Called for a fault in the program; the direction has ended then. */
  readonly onFault: (error: unknown) => void;
  /** True when a write to the source has found it reset: the kernel reports that once, and the read sees an end of input. */
  readonly sourceWasReset: () => boolean;
  /** Called once, when the first byte has come from the source. */
  readonly onFirstByte?: () => void;
}

/** From `source` to `sink`; `onChange` is called whenever it ends, on either side. */
export class StreamDirection implements DirectionState {
  readonly #source: ByteSocket;
  readonly #sink: ByteSocket;
  readonly #buffer: ReadBuffer;
  readonly #onChange: () => void;
  readonly #onFault: (error: unknown) => void;
  readonly #sourceWasReset: () => boolean;
  readonly #onFirstByte: (() => void) | undefined;
  receivedBytes = 0;
  sentBytes = 0;
  firstByteAt: number | undefined;
  lastByteAt = -Infinity;
  waitingSince = Infinity;
  sourceEnd: "eof" | "reset" | undefined;
  sinkFailed: SinkFailure | undefined;
  ended = false;

  constructor(source: ByteSocket, sink: ByteSocket, options: StreamDirectionOptions) {
    this.#source = source;
    this.#sink = sink;
    this.#buffer = new ReadBuffer(options.pool);
    this.#onChange = options.onChange;
    this.#onFault = options.onFault;
    this.#sourceWasReset = options.sourceWasReset;
    this.#onFirstByte = options.onFirstByte;
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
    } catch (error) {
      // Where the source was cut, or this relay was, that is in `sourceEnd`, and was told.
      if (this.sourceEnd !== "reset") this.#onFault(error);
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
      this.#onChange();
      return;
    }
    if (size === null) {
      this.sourceEnd = "eof";
      controller.close();
      return;
    }
    this.lastByteAt = performance.now();
    if (this.firstByteAt === undefined) {
      this.firstByteAt = this.lastByteAt;
      this.#onFirstByte?.();
    }
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
      let taken = await this.#sink.writeSome(chunk);
      this.sentBytes += taken;
      while (taken < chunk.length) {
        this.waitingSince = this.lastByteAt = performance.now();
        const more = await this.#sink.writeSome(chunk.subarray(taken));
        this.sentBytes += more;
        taken += more;
      }
    } catch (error) {
      this.sinkFailed = writeFailure(error);
      this.#onChange();
    } finally {
      this.waitingSince = Infinity;
    }
  }

  async #finish(): Promise<void> {
    // A FIN says "complete", so there is none behind a transfer that was cut.
    if (this.sinkFailed === undefined && !this.#sourceWasReset()) {
      try {
        await this.#sink.closeWrite();
      } catch {
        this.sinkFailed = "closed";
      }
    }
    this.ended = true;
    this.#onChange();
  }
}
