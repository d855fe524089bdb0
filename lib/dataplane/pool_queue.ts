/** The line in front of one pool in one thread, and how it moves. */
import type { Picked, Pool } from "../pool/pool.ts";
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

/** The same while no target is eligible: whoever waits then waits for seconds, and an idle thread wakes up as often anyway. */
const absentTickMs = 100;

/** A client may be served before one of another thread that came so much earlier, and no more: a thread need not wait for another. */
const maxOvertakeMs = 10;

/** A thread that is so late to look after its line does not hold up the others. */
const maxLateMs = 40;

/**
 * While a pool that had no target lets its clients in again, so many go to each target in the first tick, less to one that starts
 * slowly, and one more in each that follows: what has just come back is not to be knocked over by everybody at once, and however
 * many come, the line ends.
 */
const firstPace = 6;

/** One waiting client. It keeps as little as it can: there may be thousands. */
class Waiter implements Queued {
  next: Queued | undefined = undefined;
  previous: Queued | undefined = undefined;
  readonly since: number;
  readonly request: WaitRequest;
  readonly resolve: (waited: Waited) => void;
  readonly reject: (fault: unknown) => void;
  cancelGone: (() => void) | undefined = undefined;

  constructor(
    { since, request, resolve, reject }: Pick<Waiter, "since" | "request" | "resolve" | "reject">,
  ) {
    this.since = since;
    this.request = request;
    this.resolve = resolve;
    this.reject = reject;
  }
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

/** Lives as long as the pool's slot does; its pool is replaced with each snapshot. */
export class PoolQueue implements SessionQueue {
  readonly #options: PoolQueueOptions;
  readonly #place: { readonly thread: number; readonly poolSlot: number };
  readonly #waiters = new Queue<Waiter>();
  #pool: Pool;
  /** The pool is not in the newest snapshot. */
  #isRemoved = false;
  /** At whom the line stands: all before it have tried every target that is well. */
  #blocked: Waiter | undefined;
  /** Whether no target is eligible, and since when that is so, or is not. */
  #isAbsent = false;
  #turnedAt = -Infinity;
  /** The earliest limit of all who wait, or earlier. */
  #nextLimitAt = Infinity;
  /** No target was eligible: whoever waits is let in at a measured pace. */
  #isPacing = false;
  #pace = firstPace;
  /** How many may be let in now, while pacing. */
  #budget = 0;
  #cancelTick: (() => void) | undefined;

  constructor(pool: Pool, options: PoolQueueOptions) {
    this.#pool = pool;
    this.#options = options;
    this.#place = { thread: options.thread, poolSlot: options.slot };
  }

  get pool(): Pool {
    return this.#pool;
  }

  /** Takes over the pool as a newer snapshot has it: who waits is served by that, and within its limits. */
  renew(pool: Pool): void {
    this.#pool = pool;
    this.#isRemoved = false;
    this.#nextLimitAt = -Infinity;
  }

  /** A newer snapshot does not have the pool: nobody who waits will be served. */
  remove(): void {
    this.#isRemoved = true;
    for (let waiter = this.#waiters.first; waiter !== undefined; waiter = this.#waiters.first) {
      this.#leave(waiter, { kind: "over", reason: "no_target" });
    }
  }

  get isBusy(): boolean {
    return this.#options.permits.taken(this.#options.slot) > 0;
  }

  wait(request: WaitRequest): Promise<Waited> {
    const { permits, slot } = this.#options;
    if (this.#isRemoved) return Promise.resolve({ kind: "over", reason: "no_target" });
    if (!permits.acquire(slot, this.#pool.queueSize)) return Promise.resolve({ kind: "full" });
    return new Promise((resolve, reject) => {
      const now = this.#now();
      const waiter = new Waiter({ since: now, request, resolve, reject });
      this.#waiters.add(waiter);
      this.#blocked ??= waiter;
      this.#observe(now);
      this.#nextLimitAt = Math.min(this.#nextLimitAt, this.#limitOf(waiter));
      waiter.cancelGone = request.client.whenGone(() => this.#leave(waiter, { kind: "gone" }));
      this.#tell(now);
      this.#tickLater();
    });
  }

  released(): void {
    if (this.#waiters.size > 0) this.#serve(this.#now());
  }

  /** On a clock that all threads share, to within a millisecond. */
  #now(): number {
    return performance.timeOrigin + this.#options.engine.now();
  }

  get #tickMs(): number {
    return this.#isAbsent ? absentTickMs : tickMs;
  }

  #tick(): void {
    this.#cancelTick = undefined;
    const now = this.#now();
    this.#observe(now);
    if (now >= this.#nextLimitAt) this.#expire(now);
    if (this.#isPacing) this.#refill();
    this.#serve(now);
    if (this.#waiters.size === 0) return;
    this.#tell(now);
    this.#tickLater();
  }

  #tickLater(): void {
    this.#cancelTick ??= this.#options.engine.after(this.#tickMs, () => this.#tick());
  }

  /** Notes whether there is a target that takes sessions, full or not: the limit of a wait is by that. */
  #observe(now: number): void {
    const isAbsent = !this.#pool.hasEligible;
    if (isAbsent) this.#isPacing = true;
    if (isAbsent === this.#isAbsent) return;
    this.#isAbsent = isAbsent;
    this.#turnedAt = now;
    this.#nextLimitAt = now;
    if (isAbsent || this.#cancelTick === undefined) return;
    // The next look is due as late as it may be without a target.
    this.#cancelTick();
    this.#cancelTick = undefined;
    this.#tickLater();
  }

  /**
   * When a client has waited long enough: for a target that is not full, or for one that is well, counted from when that became
   * what it waits for; and however often that changes, no longer than for both.
   */
  #limitOf({ since, request: { queueMs } }: Waiter): number {
    const { holdMs } = this.#pool;
    const from = Math.max(since, this.#turnedAt);
    return Math.min(from + (this.#isAbsent ? holdMs : queueMs), since + holdMs + queueMs);
  }

  #refill(): void {
    const share = this.#pool.eligibleShare;
    if (share === 0) this.#pace = firstPace;
    // Without an eligible target one client asks all the same: there may be a trial.
    this.#budget = share === 0 ? 1 : Math.min(this.#budget, share * this.#pace + 1) + share * this.#pace++;
  }

  /** Serves whose turn it is, as long as there are targets. */
  #serve(now: number): void {
    let waiter = this.#blocked = this.#waiters.first;
    while (waiter !== undefined && (!this.#isPacing || this.#budget >= 1)) {
      if (this.#mustYield(waiter, now)) return;
      const picked = this.#ask(waiter);
      if (picked?.kind === "none" && picked.reason !== "tried") return;
      if (picked?.kind === "none") {
        // It has tried every target that is well; somebody behind it has not.
        waiter = this.#blocked = this.#waiters.behind(waiter);
        continue;
      }
      if (picked !== undefined) {
        if (this.#isPacing) this.#budget--;
        this.#leave(waiter, picked);
      }
      waiter = this.#blocked = this.#waiters.first;
    }
  }

  /** A fault in the program ends the wait of the one that it has met, and no other. */
  #ask(waiter: Waiter): Picked | undefined {
    try {
      return waiter.request.ask();
    } catch (fault) {
      this.#takeOut(waiter);
      waiter.reject(fault);
      return undefined;
    }
  }

  /** Whether another thread has somebody who has waited longer, and will see to him soon. */
  #mustYield({ since }: Waiter, now: number): boolean {
    return this.#options.heads.oldestElsewhere(this.#place, now) < since - maxOvertakeMs;
  }

  /** Refuses everybody whose limit is past. */
  #expire(now: number): void {
    const reason = this.#isAbsent
      ? (this.#pool.holdMs === 0 ? "no_target" : "hold_timeout")
      : "queue_timeout";
    this.#nextLimitAt = Infinity;
    for (let waiter = this.#waiters.first; waiter !== undefined;) {
      const behind = this.#waiters.behind(waiter);
      const limitAt = this.#limitOf(waiter);
      if (limitAt <= now) this.#leave(waiter, { kind: "over", reason });
      else this.#nextLimitAt = Math.min(this.#nextLimitAt, limitAt);
      waiter = behind;
    }
  }

  #leave(waiter: Waiter, waited: Waited): void {
    this.#takeOut(waiter);
    waiter.resolve(waited);
  }

  #takeOut(waiter: Waiter): void {
    waiter.cancelGone?.();
    if (this.#blocked === waiter) this.#blocked = this.#waiters.behind(waiter);
    this.#waiters.delete(waiter);
    this.#options.permits.release(this.#options.slot);
    if (this.#waiters.size > 0) return;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#isPacing = false;
    this.#pace = firstPace;
    this.#budget = 0;
    this.#tell(0);
  }

  /** Shows the other threads since when the one waits at whom the line stands. */
  #tell(now: number): void {
    const liveUntil = now + this.#tickMs + maxLateMs;
    this.#options.heads.set(this.#place, { since: this.#blocked?.since ?? 0, liveUntil });
  }
}
