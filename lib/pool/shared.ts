// One cache line for each pool: a lock that threads spin on must not slow down its neighbours.
const poolWords = 16;
const lockWord = 0;
const tieWord = 1;

const unlocked = 0;
const locked = 1;
const contended = 2;

const spins = 200;
const waitMs = 1;
const longestWaits = 100;

/**
 * The words that all threads share, by slot: sessions open on each target, running weights of round robin, and for each
 * pool a lock and the last tie. A plain object of arrays, so that `postMessage` hands it to a worker.
 */
export interface PoolMemory {
  readonly open: Int32Array;
  readonly turns: Int32Array;
  readonly pools: Int32Array;
}

/** Makes zeroed shared memory for so many target slots and pool slots. */
export function allocatePoolMemory(slots: { readonly targets: number; readonly pools: number }): PoolMemory {
  const words = (count: number) =>
    new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
  return { open: words(slots.targets), turns: words(slots.targets), pools: words(slots.pools * poolWords) };
}

/**
 * One thread's view of the shared memory; every thread makes its own over the same arrays.
 *
 * In a single thread the arrays may also lie on plain ArrayBuffers.
 */
export class SharedPoolState {
  readonly #memory: PoolMemory;
  readonly #held: Int32Array | undefined;

  /** `held`: where this thread notes, for each target slot, how many of the open places are its own. */
  constructor(memory: PoolMemory, held?: Int32Array) {
    this.#memory = memory;
    this.#held = held;
  }

  /** Whether the memory has words for this target slot. */
  hasTarget(slot: number): boolean {
    const { open, turns } = this.#memory;
    return Number.isInteger(slot) && slot >= 0 && slot < Math.min(open.length, turns.length);
  }

  /** Whether the memory has words for this pool slot. */
  hasPool(slot: number): boolean {
    return Number.isInteger(slot) && slot >= 0 && (slot + 1) * poolWords <= this.#memory.pools.length;
  }

  /** Sessions open on a target over all threads. */
  open(slot: number): number {
    return Atomics.load(this.#memory.open, slot);
  }

  /**
   * Takes a place on a target; false when `max` are taken (`Infinity` = no limit). Give it back with `release`.
   *
   * Compare-and-exchange, not add and give back: the surplus of an add would for a moment make others see a full target.
   */
  acquire(slot: number, max: number): boolean {
    if (!this.#acquire(slot, max)) return false;
    if (this.#held !== undefined) this.#held[slot]!++;
    return true;
  }

  /** Gives a place back; throws when none was taken, because a count below zero would hide load for good. */
  release(slot: number): void {
    const { open } = this.#memory;
    if (Atomics.sub(open, slot, 1) > 0) {
      if (this.#held !== undefined) this.#held[slot]!--;
      return;
    }
    Atomics.add(open, slot, 1);
    throw new Error(`target slot ${slot}: a place was released that nobody had taken`);
  }

  /** Gives back every place that a thread which is dead had taken; `held` is that thread's. */
  releaseAll(held: Int32Array): void {
    for (const [slot, count] of held.entries()) {
      if (count !== 0) Atomics.sub(this.#memory.open, slot, count);
    }
    held.fill(0);
  }

  /** The target slot that won this pool's last tie of leastConnections, -1 before the first. */
  lastTied(poolSlot: number): number {
    return Atomics.load(this.#memory.pools, poolSlot * poolWords + tieWord) - 1;
  }

  /** Keeps the winner of a tie; of two threads at once the later stays, which costs at most one turn. */
  setLastTied(poolSlot: number, slot: number): void {
    Atomics.store(this.#memory.pools, poolSlot * poolWords + tieWord, slot + 1);
  }

  /**
   * Runs `decide` with the running weights while no other thread does so for the same pool.
   *
   * `decide` must be short (about a microsecond) and must not call back in here for the same pool: the other threads'
   * event loops stand still meanwhile.
   */
  exclusively<T>(poolSlot: number, decide: (turns: Int32Array) => T): T {
    const word = poolSlot * poolWords + lockWord;
    this.#lock(word);
    try {
      return decide(this.#memory.turns);
    } finally {
      const { pools } = this.#memory;
      if (Atomics.exchange(pools, word, unlocked) === contended) Atomics.notify(pools, word, 1);
    }
  }

  #acquire(slot: number, max: number): boolean {
    const { open } = this.#memory;
    if (max === Infinity) {
      Atomics.add(open, slot, 1);
      return true;
    }
    let seen = Atomics.load(open, slot);
    while (seen < max) {
      const found = Atomics.compareExchange(open, slot, seen, seen + 1);
      if (found === seen) return true;
      seen = found;
    }
    return false;
  }

  // The three-state futex mutex of Drepper, "Futexes Are Tricky" (2011), section 5.
  #lock(word: number): void {
    const { pools } = this.#memory;
    for (let spin = 0; spin < spins; spin++) {
      if (Atomics.compareExchange(pools, word, unlocked, locked) === unlocked) return;
    }
    for (let waits = 0; waits < longestWaits; waits++) {
      if (Atomics.exchange(pools, word, contended) === unlocked) return;
      // Throws on memory that is not shared, rightly: there the lock can only be held by the caller itself.
      Atomics.wait(pools, word, contended, waitMs);
    }
    // A thread that was terminated while it held the lock never lets go. Going ahead without it costs a wrong turn at
    // worst, waiting on would cost the service; the release at the end repairs the lock.
  }
}
