/** Timers of a thread that waits in the kernel, where Deno's own do not run. */

/** Something whose code may throw while others depend on the thread that runs it. */
export interface Failing {
  /** Ends what it is about, and has the error come out where it is reported; not called where it is missing. Must not throw. */
  fail?(error: unknown): void;
}

/** Something that is due at a time. Only the heap writes `heapIndex`. */
export interface Timer extends Failing {
  /** On the clock of `performance.now()`; not changed while the timer is in the heap. */
  dueAt: number;
  /** Where in the heap it is, -1 = nowhere. */
  heapIndex: number;
  /** Called once its time has come; it is out of the heap then. */
  fire(): void;
}

/** A binary heap by time. A timer that is cancelled leaves at once: most are, and what they hold must not live on. */
export class TimerHeap {
  readonly #heap: Timer[] = [];

  /** Takes in a timer that is not in it. */
  add(timer: Timer): void {
    this.#siftUp(timer, this.#heap.push(timer) - 1);
  }

  /** Takes out a timer, if it is in it. */
  cancel(timer: Timer): void {
    const { heapIndex } = timer;
    if (heapIndex < 0) return;
    timer.heapIndex = -1;
    const last = this.#heap.pop()!;
    if (last === timer) return;
    if (heapIndex > 0 && this.#heap[(heapIndex - 1) >> 1]!.dueAt > last.dueAt) this.#siftUp(last, heapIndex);
    else this.#siftDown(last, heapIndex);
  }

  /** When the next one is due; Infinity when there is none. */
  get nextDueAt(): number {
    return this.#heap[0]?.dueAt ?? Infinity;
  }

  /** Fires every timer that is due; `onThrow` gets those that throw. */
  fireDue(now: number, onThrow: (timer: Timer, error: unknown) => void): void {
    for (let first = this.#heap[0]; first !== undefined && first.dueAt <= now; first = this.#heap[0]) {
      this.cancel(first);
      try {
        first.fire();
      } catch (error) {
        onThrow(first, error);
      }
    }
  }

  #siftUp(timer: Timer, from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex]!;
      if (parent.dueAt <= timer.dueAt) break;
      heap[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    heap[index] = timer;
    timer.heapIndex = index;
  }

  #siftDown(timer: Timer, from: number): void {
    const heap = this.#heap;
    let index = from;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= heap.length) break;
      if (childIndex + 1 < heap.length && heap[childIndex + 1]!.dueAt < heap[childIndex]!.dueAt) childIndex++;
      const child = heap[childIndex]!;
      if (child.dueAt >= timer.dueAt) break;
      heap[index] = child;
      child.heapIndex = index;
      index = childIndex;
    }
    heap[index] = timer;
    timer.heapIndex = index;
  }
}
