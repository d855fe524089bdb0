import { poolWordCount, type SharedMemory } from "./layout.ts";

const lockWord = 0;

const unlocked = 0;
const locked = 1;
const contended = 2;

const maxSpins = 200;
const waitMs = 1;
const maxWaits = 100;

/** A lock for each pool, and what it guards: the running weights of round robin, by target slot. */
export class PoolLock {
  readonly #pools: Int32Array;
  readonly #runningWeights: Int32Array;

  constructor({ pools, runningWeights }: Pick<SharedMemory, "pools" | "runningWeights">) {
    this.#pools = pools;
    this.#runningWeights = runningWeights;
  }

  /**
   * Runs `decide` with the running weights while no other thread does so for the same pool.
   *
   * `decide` must be short (about a microsecond) and must not lock the same pool again: the other threads' event loops stand
   * still meanwhile.
   */
  exclusively<T>(poolSlot: number, decide: (runningWeights: Int32Array) => T): T {
    const word = poolSlot * poolWordCount + lockWord;
    this.#lock(word);
    try {
      return decide(this.#runningWeights);
    } finally {
      if (Atomics.exchange(this.#pools, word, unlocked) === contended) Atomics.notify(this.#pools, word, 1);
    }
  }

  // The three-state futex mutex of Drepper, "Futexes Are Tricky" (2011), section 5.
  #lock(word: number): void {
    const pools = this.#pools;
    for (let spin = 0; spin < maxSpins; spin++) {
      if (Atomics.compareExchange(pools, word, unlocked, locked) === unlocked) return;
    }
    for (let waits = 0; waits < maxWaits; waits++) {
      if (Atomics.exchange(pools, word, contended) === unlocked) return;
      // Throws on memory that is not shared, rightly: there the lock can only be held by the caller itself.
      Atomics.wait(pools, word, contended, waitMs);
    }
    // A thread that was terminated while it held the lock never lets go. Going ahead without it costs a wrong turn at
    // worst, waiting on would cost the service; the release at the end repairs the lock.
  }
}
