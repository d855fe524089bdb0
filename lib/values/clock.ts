/** The passing of time, so that tests need not wait for it. */
export interface Clock {
  /** Monotonic milliseconds: a wall clock that is set must not make anything time out. */
  now(): number;
  /** Calls back once after `ms`; the result cancels it. A wait of more than 24 days ends early. */
  after(ms: number, callback: () => void): () => void;
}
