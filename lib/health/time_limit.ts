import type { Deadline, Deadlines, Expiry } from "./deadlines.ts";

/** How a probe of a starved process ends. */
export const starvedDetail = "this process got no processor time";

/** Why a limit ended its work: its time was up, the process was starved, or whoever asked no longer wants to know. */
export type CutCause = Expiry | "stopped";

/**
 * Gives work so many milliseconds of a running process, and an AbortSignal that ends it. Dispose it when the work is done.
 */
export class TimeLimit implements Disposable {
  readonly #over = new AbortController();
  readonly #deadline: Deadline;
  readonly #deadlines: Deadlines;
  readonly #outer: AbortSignal;
  #cause: CutCause | undefined;

  constructor(
    timeoutMs: number,
    { deadlines, outer }: { readonly deadlines: Deadlines; readonly outer: AbortSignal },
  ) {
    this.#deadlines = deadlines;
    this.#outer = outer;
    this.#deadline = deadlines.start(timeoutMs, (why) => this.#end(why));
    outer.addEventListener("abort", this.#stop);
    if (outer.aborted) this.#stop();
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Undefined while there is time. */
  get cause(): CutCause | undefined {
    return this.#cause;
  }

  /** Milliseconds of a running process that are left. */
  get remainingMs(): number {
    return this.#deadline.remainingMs();
  }

  /** A limit within this one. */
  part(timeoutMs: number): TimeLimit {
    return new TimeLimit(timeoutMs, { deadlines: this.#deadlines, outer: this.signal });
  }

  [Symbol.dispose](): void {
    this.#deadline.stop();
    this.#outer.removeEventListener("abort", this.#stop);
  }

  readonly #stop = () => this.#end("stopped");

  #end(cause: CutCause): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    this[Symbol.dispose]();
    this.#over.abort();
  }
}
