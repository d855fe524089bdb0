/** Everything that an operator can see, as plain data: what start lines, the page, the commands and metrics read. */
import type { LastProbe } from "../health/spec.ts";
import type { Counters } from "../shared/counters.ts";
import { type TargetConditions, type TargetState, targetState } from "../pool/target_state.ts";
import { formatAddress } from "../values/address.ts";
import type { AlgorithmName, EngineName } from "../values/words.ts";
import { listenerKey } from "./keys.ts";
import type { ListenerModel, Model, PoolModel, TargetModel } from "./model.ts";
import type { TargetStanding } from "./target_states.ts";

export interface State {
  readonly engine: EngineName;
  readonly workers: number;
  readonly generation: number;
  readonly uptimeSeconds: number;
  /** Every listener is bound and, for each pool, the first probes are in and one target is eligible. */
  readonly ready: boolean;
  readonly draining: boolean;
  /** Open sessions in the whole process. */
  readonly active: number;
  readonly maxConnections: number;
  readonly listeners: { readonly [name: string]: ListenerView };
  readonly pools: { readonly [name: string]: PoolView };
}

export interface ListenerView {
  /** The addresses in fact bound. */
  readonly bind: readonly string[];
  readonly pool: string;
  /** Open sessions. */
  readonly active: number;
  /** Sessions that have ended. */
  readonly total: number;
  /** Those of them that no target has served. */
  readonly rejected: number;
}

export interface PoolView {
  readonly algorithm: AlgorithmName;
  /** How many targets take new sessions. */
  readonly eligible: number;
  /** Clients that wait for a target: each is full, or none is eligible. */
  readonly queued: number;
  readonly targets: readonly TargetView[];
}

export interface TargetView extends TargetStanding {
  /** "host:port" as lb.yaml has it. */
  readonly address: string;
  /** What the host stands for, in the order it is tried; the address itself where it is one. */
  readonly resolved: readonly string[];
  /** Why the host could not be looked up the last time; null = it could, or there is nothing to look up. */
  readonly problem: string | null;
  readonly state: TargetState;
  readonly weight: number;
  readonly tier: number;
  /** Open sessions. */
  readonly active: number;
  readonly total: number;
  /** Attempts to connect that failed through no fault of ours. */
  readonly failed: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly lastProbe: LastProbe | null;
}

/** Where the parts of a state come from. */
export interface StateSources {
  readonly model: Model;
  readonly engine: EngineName;
  readonly workers: number;
  readonly startedAt: number;
  readonly now: number;
  readonly draining: boolean;
  readonly maxConnections: number;
  /** Open sessions in the whole process. */
  readonly active: number;
  /** Open sessions of a listener or target. */
  readonly activeOf: (key: string) => number;
  readonly countersOf: (key: string) => Counters;
  /** Clients that wait for a target of a pool. */
  readonly queuedOf: (pool: string) => number;
  readonly conditionsOf: (target: TargetModel) => TargetConditions;
  readonly standingOf: (target: TargetModel) => TargetStanding;
  readonly lastProbeOf: (key: string) => LastProbe | undefined;
  readonly isFull: (target: TargetModel) => boolean;
}

/** The state as of now. */
export function stateOf(sources: StateSources): State {
  const { model, engine, workers, draining, maxConnections, active } = sources;
  const pools = Object.fromEntries(model.pools.map((pool) => [pool.config.name, poolView(pool, sources)]));
  const isKnown = ({ targets }: PoolView) => targets.every(({ state }) => state !== "checking");
  return {
    engine,
    workers,
    generation: model.generation,
    uptimeSeconds: Math.floor((sources.now - sources.startedAt) / 1_000),
    ready: model.generation > 0 && !draining &&
      Object.values(pools).every((pool) => isKnown(pool) && pool.eligible > 0),
    draining,
    active,
    maxConnections,
    listeners: Object.fromEntries(
      model.listeners.map((listener) => [listener.config.name, listenerView(listener, sources)]),
    ),
    pools,
  };
}

function listenerView(
  { config, binds }: ListenerModel,
  { activeOf, countersOf }: StateSources,
): ListenerView {
  const key = listenerKey(config.name);
  const { total, failed } = countersOf(key);
  return {
    bind: binds.map(({ address }) => formatAddress(address)),
    pool: config.pool,
    active: activeOf(key),
    total,
    rejected: failed,
  };
}

function poolView({ config, targets }: PoolModel, sources: StateSources): PoolView {
  const views = targets.map((target) => targetView(target, sources));
  const eligible = targets.filter((target, index) =>
    views[index]!.state === "up" && target.config.weight > 0 && !sources.isFull(target)
  );
  return {
    algorithm: config.algorithm,
    eligible: eligible.length,
    queued: sources.queuedOf(config.name),
    targets: views,
  };
}

function targetView(target: TargetModel, sources: StateSources): TargetView {
  const { key, name, addresses, problem, config: { weight, tier } } = target;
  return {
    address: name,
    resolved: addresses.map(({ host }) => host),
    problem: problem ?? null,
    state: targetState(sources.conditionsOf(target)),
    weight,
    ...sources.standingOf(target),
    tier,
    active: sources.activeOf(key),
    ...sources.countersOf(key),
    lastProbe: sources.lastProbeOf(key) ?? null,
  };
}
