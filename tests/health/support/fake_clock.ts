import type { Clock } from "../../../lib/values/clock.ts";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until `advance` moves it from timer to timer. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  /** Timers that are set. */
  get waiting(): number {
    return this.#timers.size;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** The process stands still for so long, with all its timers. */
  async jump(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settled();
      const next = [...this.#timers].reduce<Timer | undefined>(
        (first, timer) => first === undefined || timer.at < first.at ? timer : first,
        undefined,
      );
      if (next === undefined || next.at > until) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = until;
  }
}

/** A clock whose timers each come as much too late as the list says, after it as its last entry says. */
export function stalling(...lateMs: readonly number[]): Clock {
  let now = 0;
  let timers = 0;
  return {
    now: () => now,
    after: (ms, callback) => {
      let cancelled = false;
      const late = lateMs[Math.min(timers++, lateMs.length - 1)] ?? 0;
      queueMicrotask(() => {
        if (cancelled) return;
        now += ms + late;
        callback();
      });
      return () => cancelled = true;
    },
  };
}

/** Lets everything that only waits for microtasks run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await null;
}

/** Repeatable numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
