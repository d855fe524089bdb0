/**
 * A sequence of indexes in proportion to weights, so that every beginning of it is as fair as whole numbers allow.
 *
 * The k-th occurrence (from 0) of weight w is due at (k + 1/2) / w and the earliest is next, of equals the lower index: the
 * divisor method of Webster and Sainte-Laguë. Weights 1 and 2 give b a b. Kept in a heap: O(log n) for each, O(1) where all
 * weights are equal, which then come one after the other.
 */
export class WeightedSequence {
  readonly #weights: readonly number[];
  readonly #taken: Float64Array;
  readonly #due: Float64Array;
  readonly #heap: number[];
  readonly #allEqual: boolean;
  #last = -1;

  /** `weights` must not be empty; each is above 0 and finite. */
  constructor(weights: readonly number[]) {
    this.#weights = weights;
    this.#allEqual = weights.every((weight) => weight === weights[0]);
    this.#taken = new Float64Array(weights.length);
    this.#due = Float64Array.from(weights, (weight) => 0.5 / weight);
    // A sorted row is a heap.
    this.#heap = weights.map((_, index) => index).sort((a, b) => this.#isBefore(a, b) ? -1 : 1);
  }

  /** The next index. */
  next(): number {
    if (this.#allEqual) {
      this.#last = this.#last + 1 === this.#weights.length ? 0 : this.#last + 1;
      return this.#last;
    }
    const index = this.#heap[0]!;
    const taken = this.#taken[index]! + 1;
    this.#taken[index] = taken;
    this.#due[index] = (taken + 0.5) / this.#weights[index]!;
    this.#sink(index);
    return index;
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#due[a]! - this.#due[b]!;
    return difference < 0 || (difference === 0 && a < b);
  }

  #sink(index: number): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (this.#isBefore(index, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = index;
  }
}
