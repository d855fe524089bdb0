/** The passing of time, so that tests need not wait for it. */
export interface Clock {
  /** Monotonic milliseconds: a wall clock that is set must not make a probe time out. */
  now(): number;
  /** Calls back once after `ms`; the result cancels it. A wait of more than 24 days ends early. */
  after(ms: number, callback: () => void): () => void;
}

/** The real clock. `now` is `performance.now()`: add `performance.timeOrigin` for the time of day. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    // A longer wait would make setTimeout fire at once.
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};
