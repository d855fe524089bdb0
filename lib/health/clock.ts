/** The passing of time, so that tests need not wait for it. */
export interface Clock {
  /** Monotonic milliseconds: a wall clock that is set must not make a probe time out. */
  now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The real clock. `now` is `performance.now()`: add `performance.timeOrigin` for the time of day. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      // A longer wait would make setTimeout fire at once; waking up early after 24 days only means one probe more.
      const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
      signal.addEventListener("abort", done);
    }),
};
