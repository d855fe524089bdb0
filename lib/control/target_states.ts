/**
 * What is known of each target that is served, from all that there is: its verdict, its ejection, how far it has started. The
 * one owner of it, and by `target_rows.ts` the one that lets every thread know.
 */
import type { FailedAttempt } from "../dataplane/messages.ts";
import type { HealthChange } from "../health/monitor.ts";
import type { HealthState } from "../health/verdict.ts";
import type { TargetConditions } from "../pool/target_state.ts";
import type { Shared } from "../shared/shared.ts";
import type { Clock } from "../values/clock.ts";
import { Ejections } from "./ejections.ts";
import { type EjectionEvent, isTargetsFault } from "./events.ts";
import { HeldTargets } from "./held_targets.ts";
import { targetKey } from "./keys.ts";
import type { Model, PoolModel, TargetModel } from "./model.ts";
import { SlowStarts } from "./slow_starts.ts";
import { type TargetRow, TargetRows } from "./target_rows.ts";
import type { TargetReport } from "./thread.ts";

export interface TargetStatesOptions {
  readonly shared: Shared;
  readonly clock: Clock;
  /** What probes say about a target; undefined = it is not probed yet. */
  readonly verdictOf: (key: string) => HealthState | undefined;
  readonly onEvent: (event: EjectionEvent) => void;
  /** Something could not connect to a target; called as often as that happens. */
  readonly onSuspect: (key: string) => void;
  /** How many clients wait for a target of a pool. */
  readonly queuedOf: (poolSlot: number) => number;
  /** A target is down, and somebody waits for it. */
  readonly onAwaited: (key: string) => void;
}

/** Where the words of a target and of its pool are. */
export interface TargetSlots {
  slotOf(key: string): number;
  poolSlotOf(pool: string): number;
}

/** What an operator sees of a target besides its conditions. */
export interface TargetStanding {
  readonly effectiveWeight: number;
  /** How many ejections it has had; by `mode: observe` how many it would have had. */
  readonly ejections: number;
  readonly ejectionsObserved: number;
  /** How long it is out before its trial, in milliseconds: 0 = it is on trial, null = it is not ejected. */
  readonly ejectedMs: number | null;
}

interface Served {
  readonly target: TargetModel;
  readonly pool: PoolModel;
  readonly slot: number;
  readonly poolSlot: number;
}

/** Its owner calls `serve` for each model, and `close` at the end. */
export class TargetStates {
  readonly #options: TargetStatesOptions;
  readonly #rows: TargetRows;
  readonly #ejections: Ejections;
  readonly #slowStarts: SlowStarts;
  readonly #held: HeldTargets;
  #served: ReadonlyMap<string, Served> = new Map();
  /** Those that a probe has taken down since they were last up: not what begins as `checking`, or as down by `health.initial`. */
  readonly #wereDown = new Set<string>();
  #isClosed = false;

  constructor(options: TargetStatesOptions) {
    const { shared, clock, onEvent } = options;
    this.#options = options;
    this.#rows = new TargetRows(shared);
    this.#slowStarts = new SlowStarts({ clock, onChange: (keys) => this.#write(keys) });
    this.#held = new HeldTargets({ clock, queuedOf: options.queuedOf, onAwaited: options.onAwaited });
    this.#ejections = new Ejections({
      clock,
      words: shared.targets,
      isUp: (key) => this.#isUp(key),
      onChange: (key) => this.#write([key]),
      onReturned: (key) => this.#startSlowly(key),
      onEvent,
    });
  }

  /** Has every thread see the targets of a model as they are now. A target that stays keeps what is known of it. */
  serve({ pools }: Model, slots: TargetSlots): void {
    const served = pools.flatMap((pool) =>
      pool.targets.map((target): Served => ({
        target,
        pool,
        slot: slots.slotOf(target.key),
        poolSlot: slots.poolSlotOf(pool.config.name),
      }))
    );
    this.#served = new Map(served.map((each) => [each.target.key, each]));
    for (const key of this.#wereDown) if (!this.#served.has(key)) this.#wereDown.delete(key);
    this.#slowStarts.adjust((key) => this.#served.get(key)?.pool.config.slowStartMs);
    this.#ejections.serve(served.map(({ target: { key, name, config }, pool, slot }) => ({
      key,
      name,
      slot,
      pool: pool.config.name,
      weight: config.weight,
      rule: pool.config.ejection,
    })));
    this.#write(this.#served.keys());
    this.#held.clear();
    for (const key of this.#served.keys()) this.#noteHeld(key);
  }

  /**
   * A verdict has changed, and `verdictOf` says the new one already. Also for targets that are not served yet: one that its first
   * probe finds down starts slowly later.
   */
  verdictChanged({ key, to }: Pick<HealthChange, "key" | "to">): void {
    if (this.#isClosed) return;
    if (to === "down") {
      this.#wereDown.add(key);
      this.#slowStarts.end(key);
    } else if (to === "up" && this.#wereDown.delete(key)) this.#startSlowly(key);
    this.#ejections.upChanged(key);
    this.#write([key]);
    this.#noteHeld(key);
  }

  probePassed(key: string): void {
    if (!this.#isClosed) this.#ejections.probePassed(key);
  }

  /** What a data-plane thread has seen of targets. */
  report(report: TargetReport): void {
    if (this.#isClosed) return;
    this.#ejections.report(report);
    if (report.type === "failing") this.#suspect(report.targets);
  }

  /** Attempts to connect that have failed. */
  attemptsFailed(attempts: readonly FailedAttempt[]): void {
    if (!this.#isClosed) this.#suspect(attempts.filter(({ error }) => isTargetsFault(error)));
  }

  threadDied(): void {
    this.#ejections.threadDied();
  }

  conditionsOf(key: string): TargetConditions {
    const { phase } = this.#ejections.of(key);
    return {
      verdict: this.#options.verdictOf(key) ?? "checking",
      ejection: phase === "out" ? "ejected" : phase === "trial" ? "trial" : "none",
      override: undefined,
    };
  }

  standingOf({ key, config: { weight } }: Pick<TargetModel, "key" | "config">): TargetStanding {
    const ejection = this.#ejections.of(key);
    const { ejections, observed } = this.#ejections.countsOf(key);
    const untilTrialMs = ejection.phase === "out" ? ejection.until - this.#options.clock.now() : 0;
    return {
      effectiveWeight: Math.round(weight * this.#slowStarts.share(key) * 1_000) / 1_000,
      ejections,
      ejectionsObserved: observed,
      ejectedMs: ejection.phase === "out" || ejection.phase === "trial"
        ? Math.max(0, Math.round(untilTrialMs))
        : null,
    };
  }

  /** Nothing changes any more: no timer is left, and what is reported later is passed over. */
  close(): void {
    this.#isClosed = true;
    this.#ejections.close();
    this.#slowStarts.close();
    this.#held.clear();
  }

  /** Says whether somebody may be held for a target. */
  #noteHeld(key: string): void {
    const served = this.#served.get(key);
    if (served?.pool.config.holdMs === undefined) return;
    if (this.#options.verdictOf(key) === "down") this.#held.add(key, served.poolSlot);
    else this.#held.remove(key);
  }

  #suspect(targets: Iterable<{ readonly pool: string; readonly target: string }>): void {
    for (const { pool, target } of targets) this.#options.onSuspect(targetKey(pool, target));
  }

  #isUp(key: string): boolean {
    const { verdict, override } = this.conditionsOf(key);
    return verdict === "up" && override === undefined;
  }

  #startSlowly(key: string): void {
    this.#slowStarts.begin(key, this.#served.get(key)?.pool.config.slowStartMs);
  }

  #write(keys: Iterable<string>): void {
    if (this.#isClosed) return;
    const rows: TargetRow[] = [];
    for (const key of keys) {
      const served = this.#served.get(key);
      if (served === undefined) continue;
      const { target: { config: { weight } }, slot, poolSlot } = served;
      const share = this.#slowStarts.share(key);
      rows.push({ slot, poolSlot, conditions: this.conditionsOf(key), weight: weight * share, share });
    }
    this.#rows.write(rows);
  }
}
