/** Timers of a thread that waits in the kernel, where Deno's own do not run. */

/** Something that is due at a time. Only the heap writes `place`. */
export interface Timer {
  /** On the clock of `performance.now()`; not changed while the timer is in the heap. */
  dueAt: number;
  /** Where in the heap it is, -1 = nowhere. */
  place: number;
  due(): void;
}

/** A binary heap by time. A timer that is cancelled leaves at once: most are, and what they hold must not live on. */
export class TimerHeap {
  readonly #heap: Timer[] = [];

  /** Takes in a timer that is not in it. */
  add(timer: Timer): void {
    this.#up(timer, this.#heap.push(timer) - 1);
  }

  /** Takes out a timer, if it is in it. */
  cancel(timer: Timer): void {
    const { place } = timer;
    if (place < 0) return;
    timer.place = -1;
    const last = this.#heap.pop()!;
    if (last === timer) return;
    if (place > 0 && this.#heap[(place - 1) >> 1]!.dueAt > last.dueAt) this.#up(last, place);
    else this.#down(last, place);
  }

  /** When the next one is due; Infinity when there is none. */
  get nextDueAt(): number {
    return this.#heap[0]?.dueAt ?? Infinity;
  }

  /** Tells every timer that is due. */
  run(now: number): void {
    for (let first = this.#heap[0]; first !== undefined && first.dueAt <= now; first = this.#heap[0]) {
      this.cancel(first);
      first.due();
    }
  }

  #up(timer: Timer, from: number): void {
    const heap = this.#heap;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above]!;
      if (parent.dueAt <= timer.dueAt) break;
      heap[place] = parent;
      parent.place = place;
      place = above;
    }
    heap[place] = timer;
    timer.place = place;
  }

  #down(timer: Timer, from: number): void {
    const heap = this.#heap;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.dueAt < heap[below]!.dueAt) below++;
      const child = heap[below]!;
      if (child.dueAt >= timer.dueAt) break;
      heap[place] = child;
      child.place = place;
      place = below;
    }
    heap[place] = timer;
    timer.place = place;
  }
}
