/**
 * Standard output as the log uses it. Lines are written by a thread of their own, made at the start and kept: an output that
 * is blocked blocks nothing else, no line waits behind a name lookup or a file, and none needs a thread that the system may
 * refuse by then (when Deno's own pool for such calls cannot start one, the process ends).
 */
import type { LogFormat } from "./log_line.ts";
import { LineRing } from "./line_ring.ts";
import type { LogThreadReport, LogThreadStart } from "./log_worker.ts";

/** How long the thread may wait for its first line, and the pause before it is started again, should it ever die. */
const startMs = 1_000;

/** How often `flush` checks whether the last lines are out. */
const flushPollMs = 5;

/** How long the thread may take to start before `flush` begins to count its patience. */
const maxStartMs = 10_000;

const maxCloseMs = 1_000;

/** So much of the queue is kept free of bulk lines: a target that goes down is told also while more sessions end than get out. */
const reservedBytes = 512 * 1024;

const defaultModule = new URL("./log_worker.ts", import.meta.url);

/** Where the log's lines go. */
export interface LineSink {
  /** Takes one line, without its line feed. Never throws, never waits. */
  write(line: string): void;
  /** As `write`, for lines that may come thousands of times a second: they leave room for the others. */
  writeBulk(line: string): void;
  /** Resolves once everything is written, or nothing could be for `patienceMs`. */
  flush(patienceMs: number): Promise<void>;
}

export interface LogThreadOptions {
  /** That of the line which reports lost lines. */
  readonly format: LogFormat;
  /** What the thread runs; by default it writes to standard output. */
  readonly module?: URL;
}

/** Owns the thread. The end of the process ends it too, also while its output blocks it. */
export class LogThread implements LineSink, AsyncDisposable {
  readonly #memory = LineRing.allocate();
  readonly #ring = new LineRing(this.#memory);
  readonly #encoder = new TextEncoder();
  readonly #options: LogThreadOptions;
  readonly #running = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #worker: Worker | undefined;
  /** Whether it was tried to make the thread. */
  #isStarted = false;
  #startTimer: ReturnType<typeof setTimeout> | undefined;
  /** Lines of this moment that are not in the queue yet. */
  #pending: string[] = [];
  /** What those leave free of the queue. */
  #keepFree = 0;

  /** The thread starts with the first line, or in a second: making it takes longer than anything else at the start. */
  constructor(options: LogThreadOptions) {
    this.#options = options;
    this.#startLater();
  }

  write(line: string): void {
    this.#add(line, 0);
  }

  writeBulk(line: string): void {
    this.#add(line, reservedBytes);
  }

  async flush(patienceMs: number): Promise<void> {
    const ring = this.#ring;
    this.#append();
    if (!this.#isStarted) return;
    await this.#within(this.#running.promise, maxStartMs);
    for (let taken = -1; !ring.isFlushed && ring.taken !== taken;) {
      taken = ring.taken;
      const deadline = performance.now() + patienceMs;
      while (!ring.isFlushed && ring.taken === taken && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, flushPollMs));
      }
    }
  }

  /** Ends the thread once it has written what waits, or after a second where its output blocks it. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#startTimer);
    this.#append();
    this.#ring.close();
    if (this.#worker === undefined) return;
    await this.#within(this.#closed.promise, maxCloseMs);
    this.#worker.terminate();
  }

  #add(line: string, keepFree: number): void {
    if (keepFree !== this.#keepFree && this.#pending.length > 0) this.#append();
    this.#keepFree = keepFree;
    // A moment later, so that lines of the same moment go out together.
    if (this.#pending.push(line) === 1) queueMicrotask(() => this.#append());
  }

  #append(): void {
    const lines = this.#pending;
    this.#pending = [];
    if (lines.length > 0 && !this.#isStarted) {
      clearTimeout(this.#startTimer);
      this.#startNow();
    }
    if (lines.length > 0 && !this.#tryAppend(`${lines.join("\n")}\n`)) {
      // As many of them as there is room for.
      for (const line of lines) {
        if (!this.#tryAppend(`${line}\n`)) this.#ring.addLost(1);
      }
    }
    this.#ring.wake();
  }

  #tryAppend(text: string): boolean {
    return this.#ring.append(this.#encoder.encode(text), this.#keepFree);
  }

  #start(): void {
    const { format, module = defaultModule } = this.#options;
    const worker = new Worker(module, { type: "module", name: "log" });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<LogThreadReport>) => {
      if (data === "running") this.#running.resolve();
      else this.#closed.resolve();
    };
    worker.onerror = (event) => {
      // Without this the error would end the main thread as well.
      event.preventDefault();
      worker.terminate();
      this.#startLater();
    };
    worker.postMessage({ memory: this.#memory, format } satisfies LogThreadStart);
  }

  /** What waits in the queue stays there until then. */
  #startLater(): void {
    this.#startTimer = setTimeout(() => this.#startNow(), startMs);
  }

  #startNow(): void {
    this.#isStarted = true;
    try {
      this.#start();
    } catch {
      // No thread can be had now.
      this.#startLater();
    }
  }

  async #within(promise: Promise<void>, ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
    await Promise.race([promise, timeout]);
    clearTimeout(timer);
  }
}
