/** What a schedule holds; it keeps `heapIndex`, which is -1 outside. */
export interface Scheduled {
  dueAt: number;
  heapIndex: number;
}

/** Items by the time at which they are due, the earliest first: a binary heap that knows where each item is. */
export class Schedule<Item extends Scheduled> {
  readonly #heap: Item[] = [];

  /** The item that is due first. */
  first(): Item | undefined {
    return this.#heap[0];
  }

  /** Adds an item, or moves it to its new time. */
  set(item: Item, dueAt: number): void {
    this.delete(item);
    item.dueAt = dueAt;
    item.heapIndex = this.#heap.push(item) - 1;
    this.#up(item);
  }

  /** Takes an item out, if it is there. */
  delete(item: Item): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === item) return;
    this.#put(last, index);
    this.#up(last);
    this.#down(last);
  }

  #put(item: Item, index: number): void {
    this.#heap[index] = item;
    item.heapIndex = index;
  }

  #swap(a: Item, b: Item): void {
    const index = a.heapIndex;
    this.#put(a, b.heapIndex);
    this.#put(b, index);
  }

  #up(item: Item): void {
    for (;;) {
      const { heapIndex } = item;
      const parent = heapIndex === 0 ? undefined : this.#heap[(heapIndex - 1) >> 1];
      if (parent === undefined || parent.dueAt <= item.dueAt) return;
      this.#swap(item, parent);
    }
  }

  #down(item: Item): void {
    for (;;) {
      const { heapIndex } = item;
      const left = this.#heap[2 * heapIndex + 1];
      const right = this.#heap[2 * heapIndex + 2];
      const child = right !== undefined && left !== undefined && right.dueAt < left.dueAt ? right : left;
      if (child === undefined || child.dueAt >= item.dueAt) return;
      this.#swap(item, child);
    }
  }
}
