import type { SharedMemory } from "./layout.ts";

/**
 * Counted rights to something bounded, by slot: a session of the process, of a listener, of a target.
 *
 * One thread's view; every thread makes its own over the same memory. In a single thread the memory may also be unshared.
 */
export class Permits {
  readonly #taken: Int32Array;
  readonly #held: Int32Array | undefined;

  /** `held`: where this thread notes, for each slot, how many of the permits are its own. */
  constructor({ permits }: Pick<SharedMemory, "permits">, held?: Int32Array) {
    this.#taken = permits;
    this.#held = held;
  }

  /** Whether the memory has a word for this slot. */
  has(slot: number): boolean {
    return Number.isInteger(slot) && slot >= 0 && slot < this.#taken.length;
  }

  /** Permits taken, all threads together: the sessions that are open. */
  taken(slot: number): number {
    return Atomics.load(this.#taken, slot);
  }

  /**
   * Takes a permit; false when `max` are taken (`Infinity` = no limit). Give it back with `release`.
   *
   * Compare-and-exchange, not add and give back: the surplus of an add would for a moment make others see a full target.
   */
  acquire(slot: number, max: number): boolean {
    if (!this.#acquire(slot, max)) return false;
    if (this.#held !== undefined) this.#held[slot]!++;
    return true;
  }

  /** Gives a permit back; throws when none was taken, because a count below zero would hide load for good. */
  release(slot: number): void {
    if (Atomics.sub(this.#taken, slot, 1) > 0) {
      if (this.#held !== undefined) this.#held[slot]!--;
      return;
    }
    Atomics.add(this.#taken, slot, 1);
    throw new Error(`slot ${slot}: a permit was released that nobody had taken`);
  }

  /** Gives back every permit that a dead thread had taken; `held` is that thread's, and is empty afterwards. */
  releaseAll(held: Int32Array): void {
    for (const [slot, count] of held.entries()) {
      if (count !== 0) Atomics.sub(this.#taken, slot, count);
    }
    held.fill(0);
  }

  #acquire(slot: number, max: number): boolean {
    const taken = this.#taken;
    if (max === Infinity) {
      Atomics.add(taken, slot, 1);
      return true;
    }
    let seen = Atomics.load(taken, slot);
    while (seen < max) {
      const found = Atomics.compareExchange(taken, slot, seen, seen + 1);
      if (found === seen) return true;
      seen = found;
    }
    return false;
  }
}
