/** The line in front of one pool in one thread, and how it moves. */
import type { Pool } from "../pool/pool.ts";
import { Queue, type Queued } from "../pool/queue.ts";
import type { Engine } from "../relay/engine.ts";
import type { Waited, WaitRequest } from "../session/waiting.ts";
import type { SessionQueue } from "../session/waiting.ts";
import type { Permits } from "../shared/permits.ts";
import type { QueueHeads } from "../shared/queue_heads.ts";

/**
 * How often a thread looks after a line: other threads' permits, states and limits are seen so much later at most. No
 * message and no wake-up is needed for them, and a thread without a line does nothing.
 */
const tickMs = 8;

/** A client may be served before one of another thread that came so much earlier, and no more: a thread need not wait for another. */
const maxOvertakeMs = 10;

/** A thread that has not looked after its line for so long does not hold up the others. */
const liveMs = 50;

/**
 * While a pool that had no target lets its clients in again, so many go to each target in a tick, less to one that starts
 * slowly: what has just come back is not to be knocked over by everybody at once.
 */
const sessionsPerTick = 6;

/** One waiting client. */
interface Waiter extends Queued {
  readonly since: number;
  readonly until: number;
  readonly ask: WaitRequest["ask"];
  readonly resolve: (waited: Waited) => void;
  cancelGone: () => void;
}

export interface PoolQueueOptions {
  readonly engine: Pick<Engine, "now" | "after">;
  /** The number of this thread. */
  readonly thread: number;
  /** The slot of the pool. */
  readonly slot: number;
  /** How many clients wait in all threads together, by pool slot. */
  readonly permits: Pick<Permits, "acquire" | "release" | "taken">;
  readonly heads: Pick<QueueHeads, "set" | "oldestElsewhere">;
}

/** Lives as long as the pool's name does; `pool` is replaced with each snapshot. */
export class PoolQueue implements SessionQueue {
  pool: Pool;
  readonly #options: PoolQueueOptions;
  readonly #waiters = new Queue<Waiter>();
  readonly #place: { readonly thread: number; readonly poolSlot: number };
  /** The earliest `until` of all who wait, or earlier. */
  #nextLimitAt = Infinity;
  /** No target was eligible: whoever waits is let in at a measured pace. */
  #isPacing = false;
  /** How many may be let in now, while pacing. */
  #budget = 0;
  #isTicking = false;

  constructor(pool: Pool, options: PoolQueueOptions) {
    this.pool = pool;
    this.#options = options;
    this.#place = { thread: options.thread, poolSlot: options.slot };
  }

  get isBusy(): boolean {
    return this.#options.permits.taken(this.#options.slot) > 0;
  }

  wait({ client, limitMs, ask }: WaitRequest): Promise<Waited> {
    const { permits, slot } = this.#options;
    if (!permits.acquire(slot, this.pool.queueSize)) return Promise.resolve({ kind: "full" });
    return new Promise((resolve) => {
      const now = this.#now();
      const waiter: Waiter = {
        since: now,
        until: now + limitMs,
        ask,
        resolve,
        cancelGone: () => {},
        next: undefined,
        previous: undefined,
      };
      this.#waiters.add(waiter);
      if (!this.pool.hasEligible) this.#isPacing = true;
      this.#nextLimitAt = Math.min(this.#nextLimitAt, waiter.until);
      waiter.cancelGone = client.whenGone(() => this.#leave(waiter, { kind: "gone" }));
      this.#tell(now);
      this.#tickLater();
    });
  }

  released(): void {
    if (this.#waiters.size > 0 && !this.#isPacing) this.#serve(this.#now());
  }

  /** On a clock that all threads share, to within a millisecond. */
  #now(): number {
    return performance.timeOrigin + this.#options.engine.now();
  }

  #tickLater(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.#options.engine.after(tickMs, () => {
      this.#isTicking = false;
      this.#tick();
    });
  }

  #tick(): void {
    if (this.#waiters.size === 0) return;
    const now = this.#now();
    if (now >= this.#nextLimitAt) this.#expire(now);
    if (this.#isPacing) this.#refill();
    this.#serve(now);
    this.#tell(now);
    if (this.#waiters.size > 0) this.#tickLater();
    else this.#isPacing = false;
  }

  #refill(): void {
    const share = this.pool.eligibleShare;
    // Without an eligible target one client asks all the same: there may be a trial.
    this.#budget = share === 0
      ? 1
      : Math.min(this.#budget + share * sessionsPerTick, 2 * share * sessionsPerTick + 1);
  }

  /** Serves whose turn it is, as long as there are targets. */
  #serve(now: number): void {
    let waiter = this.#waiters.first;
    while (waiter !== undefined && (!this.#isPacing || this.#budget >= 1)) {
      if (this.#mustYield(waiter, now)) return;
      const picked = waiter.ask();
      if (picked.kind === "target") {
        if (this.#isPacing) this.#budget--;
        this.#leave(waiter, picked);
        waiter = this.#waiters.first;
      } else if (picked.reason === "tried") {
        // It has tried every target that is well; somebody behind it has not.
        waiter = this.#waiters.behind(waiter);
      } else {
        if (picked.reason === "no_target") this.#isPacing = true;
        return;
      }
    }
  }

  /** Whether another thread has somebody who has waited longer, and will see to him soon. */
  #mustYield({ since }: Waiter, now: number): boolean {
    return this.#options.heads.oldestElsewhere(this.#place, now - liveMs) < since - maxOvertakeMs;
  }

  /** Refuses everybody whose limit is past. */
  #expire(now: number): void {
    this.#nextLimitAt = Infinity;
    for (let waiter = this.#waiters.first; waiter !== undefined;) {
      const behind = this.#waiters.behind(waiter);
      if (waiter.until <= now) this.#leave(waiter, { kind: "over" });
      else this.#nextLimitAt = Math.min(this.#nextLimitAt, waiter.until);
      waiter = behind;
    }
  }

  #leave(waiter: Waiter, waited: Waited): void {
    waiter.cancelGone();
    this.#waiters.delete(waiter);
    this.#options.permits.release(this.#options.slot);
    if (this.#waiters.size === 0) this.#tell(0);
    waiter.resolve(waited);
  }

  /** Shows the other threads since when the first in line waits. */
  #tell(now: number): void {
    this.#options.heads.set(this.#place, this.#waiters.first?.since ?? 0, now);
  }
}
