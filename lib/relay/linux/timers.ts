/** Timers of a thread that waits in the kernel, where Deno's own do not run. */

interface Timer {
  readonly at: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/** A binary heap by time. Cancelled timers stay until they are due: a connection that succeeds cancels one in microseconds. */
export class TimerHeap {
  readonly #heap: Timer[] = [];

  /** Calls back once `now` has come to `at`; returns what cancels it. */
  add(at: number, callback: () => void): () => void {
    const timer = { at, callback, cancelled: false };
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.at <= at) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = timer;
    return () => timer.cancelled = true;
  }

  /** Calls back every timer that is due; returns the milliseconds until the next one, Infinity when there is none. */
  run(now: number): number {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return Infinity;
      if (!first.cancelled && first.at > now) return first.at - now;
      this.#removeFirst();
      if (!first.cancelled) first.callback();
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}
