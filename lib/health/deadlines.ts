import type { Clock } from "../values/clock.ts";

/** Why a deadline ended: its time had run, or the clock had gone on so far that the process got too little of it to judge. */
export type Expiry = "timeout" | "starved";

/** A wait that `stop` ends early; harmless afterwards. */
export interface Deadline {
  /** Milliseconds of a running process that are left, 0 at the end. */
  remainingMs(): number;
  stop(): void;
}

interface Waiting {
  /** In milliseconds that the process has run. */
  readonly endsAtRanMs: number;
  /** By the clock. */
  readonly starvedAt: number;
  readonly timeoutMs: number;
  readonly expire: (why: Expiry) => void;
}

/**
 * Counts the time that this process has run, and calls back when a deadline's share of it is used up.
 *
 * One timer of the whole length cannot distinguish a silent target from a process that got no processor: after a stall,
 * timers run before the sockets are polled, and an answer that the kernel has had for long would be ignored. So time passes in
 * ticks, an eighth of the shortest timeout under way, and a tick whose timer fired late is not charged. After four times its
 * timeout by the clock a deadline is `starved`: the process ran too little to judge anybody. All deadlines share one timer, since a timer for each eighth of each
 * probe costs more than the probe. Without deadlines nothing ticks after the last one. Dispose it to end at once.
 */
export class Deadlines implements Disposable {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #ranMs = 0;
  #tickedAt = 0;
  #tickMs = 0;
  #cancelTick: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `expire` once, unless it is stopped, after `timeoutMs` of a running process or four times that by the clock. */
  start(timeoutMs: number, expire: (why: Expiry) => void): Deadline {
    const now = this.#clock.now();
    if (this.#cancelTick === undefined) this.#tickedAt = now;
    const waiting: Waiting = {
      endsAtRanMs: this.#ranNow(now) + timeoutMs,
      starvedAt: now + 4 * timeoutMs,
      timeoutMs,
      expire,
    };
    this.#waiting.add(waiting);
    const tickMs = tickFor(timeoutMs);
    // The tick under way would end after this deadline's first one: it ends at once.
    if (this.#cancelTick === undefined || this.#tickedAt + this.#tickMs > now + tickMs) {
      this.#charge(now);
      this.#next(tickMs);
    }
    return {
      remainingMs: () =>
        this.#waiting.has(waiting) ? Math.max(0, waiting.endsAtRanMs - this.#ranNow(this.#clock.now())) : 0,
      stop: () => void this.#waiting.delete(waiting),
    };
  }

  [Symbol.dispose](): void {
    this.#waiting.clear();
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }

  #ranNow(now: number): number {
    return this.#ranMs + Math.min(now - this.#tickedAt, this.#tickMs);
  }

  #charge(now: number): void {
    const tookMs = now - this.#tickedAt;
    if (tookMs - this.#tickMs <= Math.max(this.#tickMs / 2, toleranceMs)) this.#ranMs += tookMs;
    this.#tickedAt = now;
  }

  #tick(): void {
    this.#cancelTick = undefined;
    const now = this.#clock.now();
    this.#charge(now);
    let tickMs = Infinity;
    for (const waiting of this.#waiting) {
      const leftMs = waiting.endsAtRanMs - this.#ranMs;
      if (leftMs <= 0 || now >= waiting.starvedAt) {
        this.#waiting.delete(waiting);
        waiting.expire(leftMs <= 0 ? "timeout" : "starved");
      } else {
        tickMs = Math.min(tickMs, tickFor(waiting.timeoutMs), leftMs);
      }
    }
    // A callback may have started a deadline, and with it the next tick.
    if (this.#waiting.size > 0) this.#next(tickMs);
  }

  #next(tickMs: number): void {
    this.#cancelTick?.();
    this.#tickMs = tickMs;
    this.#cancelTick = this.#clock.after(tickMs, () => this.#tick());
  }
}

function tickFor(timeoutMs: number): number {
  return Math.min(timeoutMs / 8, maxTickMs);
}

/** A stall shorter than this goes unseen where all timeouts are long. */
const maxTickMs = 250;

/** The timers of a process that gets all the processor time it wants fire some milliseconds after their time, too. */
const toleranceMs = 20;
