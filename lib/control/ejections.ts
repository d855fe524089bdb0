/** Which targets are ejected, and when they come back: what threads and probes report, and time, go through `health/ejection.ts`. */
import type { FailingTarget } from "../dataplane/messages.ts";
import {
  type Ejection,
  type EjectionInput,
  type EjectionRule,
  isEjected,
  neverEjected,
  step,
  underRule,
  whyWithheld,
  type Withheld,
} from "../health/ejection.ts";
import type { TargetWords } from "../shared/target_words.ts";
import type { Clock } from "../values/clock.ts";
import type { EjectionEvent } from "./events.ts";
import { targetKey } from "./keys.ts";
import { PoolTally, type Standing } from "./pool_tally.ts";
import type { TargetReport } from "./thread.ts";

/** A target as far as ejection goes; without a rule it is never ejected. */
export interface EjectableTarget {
  readonly key: string;
  readonly pool: string;
  readonly name: string;
  readonly slot: number;
  readonly weight: number;
  readonly rule: EjectionRule | undefined;
}

export interface EjectionsOptions {
  readonly clock: Clock;
  readonly words: Pick<TargetWords, "forgetFailures" | "beginTrial" | "trial">;
  /** Whether a target takes sessions but for its ejection and its weight. */
  readonly isUp: (key: string) => boolean;
  /** What is shown of these targets has changed. */
  readonly onChange: (key: string) => void;
  /** A target is in again that others have stood in for; called before `onChange`. */
  readonly onReturned: (key: string) => void;
  readonly onEvent: (event: EjectionEvent) => void;
}

/** How often the session of a trial is looked at. */
const lookMs = 1_000;

interface Entry extends EjectableTarget {
  readonly ejection: Ejection;
  readonly ejections: number;
  readonly observed: number;
  /** Why it was not ejected although it fails, and when it was last reported to. */
  readonly withheld: Withheld | undefined;
  readonly failedAt: number;
}

/** What is reported with an input. */
interface Said {
  readonly cause: string;
  readonly failures?: number;
}

/** Its owner calls `serve` for each set of targets, and `close` at the end. */
export class Ejections {
  readonly #options: EjectionsOptions;
  readonly #entries = new Map<string, Entry>();
  /** The number of the trial that was seen last at each target that is ejected. */
  readonly #seenTrials = new Map<string, number>();
  readonly #pools = new Map<string, PoolTally>();
  /** Those that are out or on trial: all of them would serve otherwise. */
  readonly #ejected = new Set<string>();
  #cancelTimer: (() => void) | undefined;
  #timerAt = Infinity;

  constructor(options: EjectionsOptions) {
    this.#options = options;
  }

  /** Takes over the targets of a configuration: those that stay keep what they have, as far as their rule lets them. */
  serve(targets: readonly EjectableTarget[]): void {
    const before = new Map(this.#entries);
    for (const known of [this.#entries, this.#pools, this.#ejected, this.#seenTrials]) known.clear();
    for (const target of targets) {
      const entry = { ...fresh, ...before.get(target.key), ...target };
      this.#entries.set(target.key, entry);
      if (isEjected(entry.ejection)) this.#ejected.add(target.key);
      const tally = this.#pools.get(target.pool) ?? new PoolTally();
      this.#pools.set(target.pool, tally);
      tally.add();
    }
    const now = this.#options.clock.now();
    for (const { key, ejection, rule } of [...this.#entries.values()]) {
      this.#take(this.#entries.get(key)!, underRule(ejection, { now, rule }), {
        cause: "its pool ejects nobody any more",
      });
      this.#stand(key);
    }
    for (const pool of this.#pools.keys()) this.#rescue(pool);
    this.#arm();
  }

  /** Whether a target is up has changed. */
  upChanged(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#stand(key);
    this.#rescue(entry.pool);
  }

  probePassed(key: string): void {
    if (!this.#ejected.has(key)) return;
    this.#move(this.#entries.get(key), { kind: "probePassed" }, { cause: "a probe has passed" });
  }

  /** What a data-plane thread has seen of targets. */
  report(report: TargetReport): void {
    if (report.type === "failing") {
      for (const target of report.targets) this.#failing(target);
    } else {
      const entry = this.#entries.get(targetKey(report.pool, report.target));
      // One that ends late says nothing about the trial of now.
      const isLate = entry !== undefined && this.#options.words.trial(entry.slot).number !== report.trial;
      if (entry !== undefined && !isLate) this.#trialEnded(entry, report);
    }
  }

  /** A thread has died: a trial that was with it is nobody's. One that another thread has is begun anew by this. */
  threadDied(): void {
    for (const key of this.#ejected) this.#options.words.beginTrial(this.#entries.get(key)!.slot);
  }

  of(key: string): Ejection {
    return this.#entries.get(key)?.ejection ?? neverEjected;
  }

  /** How many ejections a target has had, and how many it would have had. */
  countsOf(key: string): { readonly ejections: number; readonly observed: number } {
    return this.#entries.get(key) ?? fresh;
  }

  /** No time is waited for any more; nothing is to be reported behind this. */
  close(): void {
    this.#cancelTimer?.();
  }

  #failing({ pool, target, failures, cause }: FailingTarget): void {
    const { clock, isUp } = this.#options;
    const entry = this.#entries.get(targetKey(pool, target));
    if (entry?.rule === undefined || entry.weight === 0 || isEjected(entry.ejection) || !isUp(entry.key)) {
      return;
    }
    const now = clock.now();
    if (entry.ejection.phase === "observed" && now < entry.ejection.until) return;
    const why = whyWithheld(this.#pools.get(pool)!.countsAt(now), entry.rule);
    if (why !== undefined) return this.#withhold(entry, { why, cause, failures });
    this.#entries.set(entry.key, { ...entry, withheld: undefined });
    this.#move(this.#entries.get(entry.key), { kind: "failing" }, { cause, failures });
  }

  /** A trial that fails is asked what any failing target is: whether it may be ejected. */
  #trialEnded(entry: Entry, { passed, cause }: { readonly passed: boolean; readonly cause: string }): void {
    const { targets, ejected, eligible } = this.#pools.get(entry.pool)!.countsAt(this.#options.clock.now());
    const why = passed || entry.rule === undefined || entry.ejection.phase !== "trial"
      ? undefined
      : whyWithheld({ targets, ejected: ejected - 1, eligible: eligible + 1 }, entry.rule);
    if (why === undefined) return this.#move(entry, { kind: "trialEnded", passed }, { cause });
    this.#move(entry, { kind: "released" }, {
      cause: why === "lastEligible" ? alone : "ejection.maxShare allows no more",
    });
    this.#withhold(this.#entries.get(entry.key)!, { why, cause, failures: null });
  }

  /** Said once; again only after the target was well for a while, or where it is for another reason. */
  #withhold(
    entry: Entry,
    { why, cause, failures }: {
      readonly why: Withheld;
      readonly cause: string;
      readonly failures: number | null;
    },
  ): void {
    const now = this.#options.clock.now();
    const { key, pool, name: target, rule } = entry;
    const isKnown = entry.withheld === why &&
      now - entry.failedAt < Math.max(rule?.baseTimeMs ?? 0, lookMs);
    this.#entries.set(key, { ...entry, withheld: why, failedAt: now });
    if (isKnown || rule?.mode === "observe") return;
    this.#options.onEvent({ kind: "ejectionWithheld", pool, target, cause, failures, why });
  }

  /** Where no target of a pool is eligible any more, those that are ejected are in again, all at once. */
  #rescue(pool: string): void {
    for (const key of this.#pools.get(pool)!.strandedAt(this.#options.clock.now())) {
      this.#move(this.#entries.get(key), { kind: "released" }, { cause: alone });
    }
  }

  /** Counts a target as what it is now. One that does not serve anyway is not ejected besides. */
  #stand(key: string): void {
    const { weight, pool, ejection } = this.#entries.get(key)!;
    const isDown = !this.#options.isUp(key);
    if ((isDown || weight === 0) && ejection.phase !== "in") {
      const cause = isDown ? "it does not pass its probes" : "its weight is 0";
      return this.#move(this.#entries.get(key), { kind: "released" }, { cause });
    }
    this.#pools.get(pool)!.set(key, this.#standingOf(key));
  }

  #standingOf(key: string): Standing {
    const { weight, ejection } = this.#entries.get(key)!;
    const { clock, isUp } = this.#options;
    if (weight === 0 || !isUp(key)) return { kind: "absent" };
    if (isEjected(ejection)) return { kind: "ejected" };
    const isObserved = ejection.phase === "observed" && clock.now() < ejection.until;
    return isObserved ? { kind: "observed", until: ejection.until } : { kind: "eligible" };
  }

  /** Puts an input to a target; nothing comes of it for one that is not known any more. */
  #move(entry: Entry | undefined, input: EjectionInput, said: Said): void {
    if (entry?.rule === undefined) return;
    const { clock, words, onReturned } = this.#options;
    const after = step(entry.ejection, input, { now: clock.now(), rule: entry.rule });
    // Before the state is written: whoever sees that there is a trial must be able to take it.
    if (after.phase === "trial" && entry.ejection.phase !== "trial" || input.kind === "trialEnded") {
      words.beginTrial(entry.slot);
    }
    // One that is released serves nobody now, or there is nobody else to serve in its place while it starts.
    const isBack = after.phase === "in" && isEjected(entry.ejection) && input.kind !== "released";
    if (isBack) onReturned(entry.key);
    this.#take(entry, after, said);
  }

  #take(entry: Entry, after: Ejection, said: Said): void {
    const { ejection: before, key } = entry;
    if (after === before) return;
    const { words, onChange, onEvent } = this.#options;
    const isOut = after.phase === "out" ? 1 : 0;
    const isObserved = after.phase === "observed" ? 1 : 0;
    const taken = {
      ...entry,
      ejection: after,
      ejections: entry.ejections + isOut,
      observed: entry.observed + isObserved,
    };
    this.#entries.set(key, taken);
    this.#pools.get(entry.pool)!.set(key, this.#standingOf(key));
    if (isEjected(after)) this.#ejected.add(key);
    else {
      this.#ejected.delete(key);
      this.#seenTrials.delete(key);
    }
    if (after.phase === before.phase && after.phase !== "observed") return;
    this.#arm(key);
    if (after.phase === "in") words.forgetFailures(entry.slot);
    const event = eventOf(taken, { before, said });
    if (event !== undefined) onEvent(event);
    onChange(key);
  }

  /**
   * One timer for the next target whose time is over, and for trials that are to be looked at. Where only one target has changed,
   * the timer is only brought forward: it may come too early, and is set anew then.
   */
  #arm(...changed: readonly string[]): void {
    const now = this.#options.clock.now();
    let at = Infinity;
    for (const key of changed.length === 0 ? this.#ejected : changed) {
      const { ejection } = this.#entries.get(key)!;
      if (ejection.phase === "out") at = Math.min(at, ejection.until);
      else if (ejection.phase === "trial") at = Math.min(at, now + lookMs);
    }
    if (this.#ejected.size > 0 && at >= this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = this.#ejected.size === 0 ? Infinity : at;
    this.#cancelTimer = this.#timerAt === Infinity
      ? undefined
      : this.#options.clock.after(Math.max(0, at - now), () => this.#look());
  }

  #look(): void {
    this.#timerAt = Infinity;
    for (const key of [...this.#ejected]) {
      const entry = this.#entries.get(key)!;
      const { number, state } = this.#options.words.trial(entry.slot);
      const isTaken = state !== "free";
      const said = { cause: causeOf(entry, { isTaken }) };
      // Short sessions one after the other are no session that stays open.
      if (this.#seenTrials.get(key) !== number) {
        this.#seenTrials.set(key, number);
        this.#move(entry, { kind: "timePassed", isTaken, isConnected: false }, said);
      }
      const isConnected = state === "connected";
      this.#move(this.#entries.get(key), { kind: "timePassed", isTaken, isConnected }, said);
    }
    this.#arm();
  }
}

/** Why a target is in again beside which nobody serves. */
const alone = "no other target is eligible";

function causeOf({ ejection }: Entry, { isTaken }: { readonly isTaken: boolean }): string {
  if (ejection.phase === "out") return "its time is over";
  return isTaken ? "a session has stayed open" : "nobody has tried it";
}

const fresh = { ejection: neverEjected, ejections: 0, observed: 0, withheld: undefined, failedAt: -Infinity };

function eventOf(
  { pool, name: target, ejection: after }: Entry,
  { before, said: { cause, failures } }: { readonly before: Ejection; readonly said: Said },
): EjectionEvent | undefined {
  switch (after.phase) {
    case "out":
    case "observed": {
      const { inRow, since, until } = after;
      const kind = after.phase === "out" ? "ejected" : "ejectionObserved";
      return { kind, pool, target, cause, failures: failures ?? null, inRow, ms: Math.round(until - since) };
    }
    case "trial":
      return { kind: "trial", pool, target, cause };
    case "in":
      return isEjected(before) ? { kind: "returned", pool, target, cause } : undefined;
  }
}
