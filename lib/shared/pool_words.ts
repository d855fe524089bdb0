import { poolWordCount, type SharedMemory } from "./layout.ts";

const tieWord = 1;
const epochWord = 2;

/** What all threads know of each pool, by pool slot: its epoch and the winner of its last tie. */
export class PoolWords {
  readonly #pools: Int32Array;

  constructor({ pools }: Pick<SharedMemory, "pools">) {
    this.#pools = pools;
  }

  /** Whether the memory has words for this pool slot. */
  has(slot: number): boolean {
    return Number.isInteger(slot) && slot >= 0 && (slot + 1) * poolWordCount <= this.#pools.length;
  }

  /** A number that changes with every change to the words of the pool's targets; it wraps around at 32 bits. */
  epoch(slot: number): number {
    return Atomics.load(this.#pools, slot * poolWordCount + epochWord);
  }

  /** Has every thread read the words of the pool's targets again at its next pick. Only the control plane calls it. */
  advanceEpoch(slot: number): void {
    Atomics.add(this.#pools, slot * poolWordCount + epochWord, 1);
  }

  /** The target slot that won this pool's last tie of leastConnections, -1 before the first. */
  lastTied(slot: number): number {
    return Atomics.load(this.#pools, slot * poolWordCount + tieWord) - 1;
  }

  /** Keeps the winner of a tie; of two threads at once the later stays, which costs at most one unfair tie. */
  setLastTied(slot: number, targetSlot: number): void {
    Atomics.store(this.#pools, slot * poolWordCount + tieWord, targetSlot + 1);
  }
}
