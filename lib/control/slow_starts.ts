/** Which targets start slowly now, and since when. A timer runs only while one does. */
import { startShare, startStepMs } from "../health/slow_start.ts";
import type { Clock } from "../values/clock.ts";

interface Start {
  readonly since: number;
  readonly slowStartMs: number;
}

export interface SlowStartsOptions {
  readonly clock: Clock;
  /** The shares of these targets have changed. */
  readonly onChange: (keys: readonly string[]) => void;
}

/** Its owner closes it. */
export class SlowStarts {
  readonly #options: SlowStartsOptions;
  readonly #starts = new Map<string, Start>();
  #cancelTimer: (() => void) | undefined;
  #timerAt = Infinity;
  #isClosed = false;

  constructor(options: SlowStartsOptions) {
    this.#options = options;
  }

  /** A target has come back, and takes its full share after `slowStartMs`; undefined = at once. */
  begin(key: string, slowStartMs: number | undefined): void {
    this.end(key);
    if (slowStartMs === undefined || this.#isClosed) return;
    this.#starts.set(key, { since: this.#options.clock.now(), slowStartMs });
    this.#armIn(startStepMs(slowStartMs));
  }

  /** The target is gone again, and with it what it has begun. */
  end(key: string): void {
    this.#starts.delete(key);
  }

  /** Takes over what a configuration says now: undefined = the target does not start slowly, or is not there any more. */
  adjust(slowStartMsOf: (key: string) => number | undefined): void {
    for (const [key, { since }] of this.#starts) {
      const slowStartMs = slowStartMsOf(key);
      if (slowStartMs === undefined) this.#starts.delete(key);
      else this.#starts.set(key, { since, slowStartMs });
    }
    this.#arm();
  }

  /** The share of a target, above 0 to 1. */
  share(key: string): number {
    const start = this.#starts.get(key);
    if (start === undefined) return 1;
    return startShare(this.#options.clock.now() - start.since, start.slowStartMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#starts.clear();
    this.#cancelTimer?.();
  }

  #arm(): void {
    if (this.#starts.size === 0 || this.#isClosed) return;
    this.#armIn(
      this.#starts.values().reduce(
        (least, { slowStartMs }) => Math.min(least, startStepMs(slowStartMs)),
        Infinity,
      ),
    );
  }

  /** Targets that come back all the time must not put the next step off for ever: it is only brought forward. */
  #armIn(stepMs: number): void {
    const { clock } = this.#options;
    const at = clock.now() + stepMs;
    if (this.#timerAt <= at) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer = clock.after(stepMs, () => this.#step());
  }

  #step(): void {
    this.#timerAt = Infinity;
    const keys = [...this.#starts.keys()];
    for (const key of keys) {
      if (this.share(key) === 1) this.#starts.delete(key);
    }
    this.#options.onChange(keys);
    this.#arm();
  }
}
