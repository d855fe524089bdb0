import { queueHeadNumbers, type SharedMemory } from "./layout.ts";

/**
 * How long the first in line of each thread's queue has waited, for all threads to see: so that none serves one of its own
 * while another's has waited longer. Times in milliseconds on a clock that all threads share; 0 = nobody waits.
 */
export class QueueHeads {
  readonly #heads: readonly Float64Array[];

  constructor({ queueHeads }: Pick<SharedMemory, "queueHeads">) {
    this.#heads = queueHeads;
  }

  /** Says since when the first of a thread's queue waits, which counts until `liveUntil`. Only that thread calls it. */
  set(
    { thread, poolSlot }: { readonly thread: number; readonly poolSlot: number },
    { since, liveUntil }: { readonly since: number; readonly liveUntil: number },
  ): void {
    const heads = this.#heads[thread]!;
    heads[poolSlot * queueHeadNumbers] = since;
    heads[poolSlot * queueHeadNumbers + 1] = liveUntil;
  }

  /**
   * Since when the first of all other threads' queues waits; Infinity where nobody does. A thread that has not looked after its
   * queue for longer than it meant to does not count: it is dead, or stands still.
   */
  oldestElsewhere(
    { thread, poolSlot }: { readonly thread: number; readonly poolSlot: number },
    now: number,
  ): number {
    let oldest = Infinity;
    for (let other = 0; other < this.#heads.length; other++) {
      if (other === thread) continue;
      const since = this.#heads[other]![poolSlot * queueHeadNumbers]!;
      const liveUntil = this.#heads[other]![poolSlot * queueHeadNumbers + 1]!;
      if (since !== 0 && now <= liveUntil && since < oldest) oldest = since;
    }
    return oldest;
  }

  /** Nobody waits in a dead thread's queues any more. */
  clear(thread: number): void {
    this.#heads[thread]!.fill(0);
  }
}
