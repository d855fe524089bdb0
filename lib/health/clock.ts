import type { Clock } from "../values/clock.ts";

/** The real clock. `now` is `performance.now()`: add `performance.timeOrigin` for the time of day. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    // A longer wait would make setTimeout fire at once.
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};
