/** Which targets are ejected, and when they come back: what threads and probes report, and time, go through `health/ejection.ts`. */
import type { FailingTarget } from "../dataplane/messages.ts";
import {
  type Ejection,
  type EjectionInput,
  type EjectionRule,
  isEjected,
  neverEjected,
  type PoolCounts,
  step,
  underRule,
  whyWithheld,
  type Withheld,
} from "../health/ejection.ts";
import type { TargetWords } from "../shared/target_words.ts";
import type { Clock } from "../values/clock.ts";
import type { EjectionEvent } from "./events.ts";
import { targetKey } from "./keys.ts";
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
  readonly words: Pick<TargetWords, "forgetFailures" | "setTrial" | "trial">;
  /** Whether a target takes sessions but for its ejection and its weight. */
  readonly isUp: (key: string) => boolean;
  /** What is shown of these targets has changed. */
  readonly onChange: (key: string) => void;
  /** A target has passed its trial; called before `onChange`. */
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
  /** The keys of each pool. */
  readonly #pools = new Map<string, string[]>();
  /** Those that are out or on trial. */
  readonly #ejected = new Set<string>();
  /** What was counted of pools, until something changes. */
  readonly #counts = new Map<string, PoolCounts & { readonly until: number }>();
  #cancelTimer: (() => void) | undefined;
  #lookedAt = -Infinity;

  constructor(options: EjectionsOptions) {
    this.#options = options;
  }

  /** Takes over the targets of a configuration: those that stay keep what they have, as far as their rule lets them. */
  serve(targets: readonly EjectableTarget[]): void {
    const before = new Map(this.#entries);
    for (const known of [this.#entries, this.#pools, this.#ejected, this.#counts]) known.clear();
    for (const target of targets) {
      this.#entries.set(target.key, { ...fresh, ...before.get(target.key), ...target });
      const pool = this.#pools.get(target.pool);
      if (pool === undefined) this.#pools.set(target.pool, [target.key]);
      else pool.push(target.key);
    }
    for (const entry of [...this.#entries.values()]) {
      const after = underRule(entry.ejection, { now: this.#options.clock.now(), rule: entry.rule });
      if (isEjected(entry.ejection)) this.#ejected.add(entry.key);
      this.#take(entry, after, { cause: "its pool ejects nobody any more" });
    }
    for (const pool of this.#pools.keys()) this.#rescue(pool);
    this.#arm();
  }

  /** Whether a target is up has changed. */
  upChanged(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#counts.delete(entry.pool);
    this.#rescue(entry.pool);
    this.#arm();
  }

  probePassed(key: string): void {
    if (!this.#ejected.has(key) || !this.#options.isUp(key)) return;
    this.#move(this.#entries.get(key), { kind: "probePassed" }, { cause: "a probe has passed" });
    this.#arm();
  }

  /** What a data-plane thread has seen of targets. */
  report(report: TargetReport): void {
    if (report.type === "failing") {
      for (const target of report.targets) this.#failing(target);
    } else {
      const { pool, target, passed, cause } = report;
      this.#move(this.#entries.get(targetKey(pool, target)), { kind: "trialEnded", passed }, { cause });
    }
    this.#arm();
  }

  /** A thread has died: a trial that was with it is nobody's. One that another thread has is only doubled by this. */
  threadDied(): void {
    for (const key of this.#ejected) this.#options.words.setTrial(this.#entries.get(key)!.slot, "free");
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
    const { clock, isUp, onEvent } = this.#options;
    const entry = this.#entries.get(targetKey(pool, target));
    if (entry?.rule === undefined || entry.weight === 0 || isEjected(entry.ejection) || !isUp(entry.key)) {
      return;
    }
    const now = clock.now();
    if (entry.ejection.phase === "observed" && now < entry.ejection.until) return;
    const why = whyWithheld(this.#countsOf(pool), entry.rule);
    if (why === undefined) {
      this.#entries.set(entry.key, { ...entry, withheld: undefined });
      return this.#move(this.#entries.get(entry.key), { kind: "failing" }, { cause, failures });
    }
    // Said once; again only after the target was well for a while, or where it is for another reason.
    const isKnown = entry.withheld === why && now - entry.failedAt < Math.max(entry.rule.baseTimeMs, lookMs);
    this.#entries.set(entry.key, { ...entry, withheld: why, failedAt: now });
    if (isKnown || entry.rule.mode === "observe") return;
    onEvent({ kind: "ejectionWithheld", pool, target, cause, failures, why });
  }

  /** Where no target of a pool is eligible any more, the ejected ones go on trial. */
  #rescue(pool: string): void {
    const keys = this.#pools.get(pool) ?? [];
    if (this.#ejected.size === 0 || !this.#noneEligible(pool)) return;
    for (const key of keys) {
      if (!this.#options.isUp(key)) continue;
      this.#move(this.#entries.get(key), { kind: "noneEligible" }, { cause: "no target is eligible" });
    }
  }

  /** Puts an input to a target; nothing comes of it for one that is not known any more. */
  #move(entry: Entry | undefined, input: EjectionInput, said: Said): void {
    if (entry?.rule === undefined) return;
    const { clock, words } = this.#options;
    const context = {
      now: clock.now(),
      rule: entry.rule,
      // Only a trial that has failed wants to know.
      noneEligible: input.kind === "noneEligible" ||
        input.kind === "trialEnded" && this.#noneEligible(entry.pool),
    };
    const after = step(entry.ejection, input, context);
    // Before the state is written: whoever sees that there is a trial must be able to take it.
    if (after.phase === "trial" && entry.ejection.phase !== "trial" || input.kind === "trialEnded") {
      words.setTrial(entry.slot, "free");
    }
    this.#take(entry, after, said);
  }

  #take(entry: Entry, after: Ejection, said: Said): void {
    const { ejection: before } = entry;
    if (after === before) return;
    const { words, onChange, onEvent, onReturned } = this.#options;
    const isOut = after.phase === "out" ? 1 : 0;
    const isObserved = after.phase === "observed" ? 1 : 0;
    const taken = {
      ...entry,
      ejection: after,
      ejections: entry.ejections + isOut,
      observed: entry.observed + isObserved,
    };
    this.#entries.set(entry.key, taken);
    this.#counts.delete(entry.pool);
    if (isEjected(after)) this.#ejected.add(entry.key);
    else this.#ejected.delete(entry.key);
    if (after.phase === before.phase && after.phase !== "observed") return;
    if (after.phase === "in") words.forgetFailures(entry.slot);
    // Not where a new configuration has put it in again.
    if (after.phase === "in" && entry.rule?.mode === "enforce" && isEjected(before)) onReturned(entry.key);
    const event = eventOf(taken, { before, said });
    if (event !== undefined) onEvent(event);
    onChange(entry.key);
  }

  #noneEligible(pool: string): boolean {
    return this.#countsOf(pool).eligible === 0;
  }

  /** Kept: a target that fails and is not ejected is reported fifty times a second by each thread. */
  #countsOf(pool: string): PoolCounts {
    const now = this.#options.clock.now();
    const known = this.#counts.get(pool);
    if (known !== undefined && now < known.until) return known;
    const keys = this.#pools.get(pool) ?? [];
    let [ejected, eligible, until] = [0, 0, Infinity];
    for (const key of keys) {
      const { ejection, weight } = this.#entries.get(key)!;
      const isObserved = ejection.phase === "observed" && now < ejection.until;
      if (isObserved) until = Math.min(until, ejection.until);
      if (isEjected(ejection) || isObserved) ejected++;
      else if (weight > 0 && this.#options.isUp(key)) eligible++;
    }
    const counts = { targets: keys.length, ejected, eligible, until };
    this.#counts.set(pool, counts);
    return counts;
  }

  /** One timer for the next target whose time is over, and for trials that are to be looked at. */
  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#ejected.size === 0) return;
    const { clock, isUp } = this.#options;
    let at = Infinity;
    for (const key of this.#ejected) {
      const { ejection } = this.#entries.get(key)!;
      if (ejection.phase === "out") at = Math.min(at, ejection.until);
      // One that is down has no session on trial.
      else if (isUp(key)) at = Math.min(at, this.#lookedAt + lookMs);
    }
    if (at === Infinity) return;
    this.#cancelTimer = clock.after(Math.max(0, at - clock.now()), () => this.#look());
  }

  #look(): void {
    this.#lookedAt = this.#options.clock.now();
    for (const key of [...this.#ejected]) {
      const entry = this.#entries.get(key)!;
      const isConnected = this.#options.words.trial(entry.slot) === "connected";
      const cause = entry.ejection.phase === "out" ? "its time is over" : "a session has stayed open";
      this.#move(entry, { kind: "timePassed", isConnected }, { cause });
    }
    this.#arm();
  }
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
      return { kind, pool, target, cause, failures: failures ?? null, inRow, ms: until - since };
    }
    case "trial":
      return { kind: "trial", pool, target, cause };
    case "in":
      return isEjected(before) ? { kind: "returned", pool, target, cause } : undefined;
  }
}
