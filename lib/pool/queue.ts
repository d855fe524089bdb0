/** Who waits, in the order they came. Pure: no clock, no permits. */

/** What waits in a queue. Only the queue writes `next` and `previous`. */
export interface Queued {
  next: Queued | undefined;
  previous: Queued | undefined;
}

/** First come, first served; whoever leaves before its turn leaves at once, wherever it stands. */
export class Queue<Item extends Queued> {
  #first: Item | undefined;
  #last: Item | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The one that has waited longest. */
  get first(): Item | undefined {
    return this.#first;
  }

  /** Adds one that is in no queue, behind all others. */
  add(item: Item): void {
    item.previous = this.#last;
    item.next = undefined;
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    this.#size++;
  }

  /** Takes out one that is in this queue. */
  delete(item: Item): void {
    const next = item.next as Item | undefined;
    const previous = item.previous as Item | undefined;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    item.next = item.previous = undefined;
    this.#size--;
  }

  /** The one that came next behind `item`, which is in this queue. */
  behind(item: Item): Item | undefined {
    return item.next as Item | undefined;
  }
}
