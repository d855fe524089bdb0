/** Turns a model into the snapshot that the data plane works by. */
import type { ListenerSpec, Snapshot } from "../dataplane/snapshot.ts";
import type { PoolSpec } from "../pool/pool.ts";
import { listenerKey, processKey } from "./keys.ts";
import type { ListenerModel, Model, PoolModel } from "./model.ts";
import type { MaglevTables } from "./tables.ts";

export interface SnapshotOptions {
  readonly revision: number;
  readonly maxConnections: number;
  readonly slotOf: (key: string) => number;
  readonly poolSlotOf: (pool: string) => number;
  readonly tables: Pick<MaglevTables, "of">;
}

/** The snapshot of `model`; every key of it has its slot, and every table is built. */
export function snapshotOf(model: Model, options: SnapshotOptions): Snapshot {
  const { revision, slotOf, maxConnections } = options;
  return {
    revision,
    generation: model.generation,
    access: model.config.log.access,
    process: { slot: slotOf(processKey), maxConnections },
    listeners: model.listeners.map((listener) => listenerSpec(listener, options)),
    pools: model.pools.map((pool) => poolSpec(pool, options)),
  };
}

function listenerSpec({ config, binds }: ListenerModel, { slotOf }: SnapshotOptions): ListenerSpec {
  const { connectMs, queueMs, idleMs, halfClosedMs, stallMs, lifetimeMs, keepAliveMs } = config.timeouts;
  return {
    name: config.name,
    slot: slotOf(listenerKey(config.name)),
    binds: binds.map(({ key }) => key),
    pool: config.pool,
    maxConnections: config.maxConnections,
    connectTimeoutMs: connectMs,
    queueTimeoutMs: queueMs,
    relayLimits: { idleMs, halfClosedMs, stallMs, lifetimeMs, keepAliveMs },
  };
}

function poolSpec(pool: PoolModel, { slotOf, poolSlotOf, tables }: SnapshotOptions): PoolSpec {
  const { name, algorithm, retry, queue, holdMs = 0, failOpen, ejection } = pool.config;
  return {
    name,
    slot: poolSlotOf(name),
    algorithm,
    retry,
    queueSize: queue.size,
    holdMs,
    failOpen: failOpen === "allDown",
    maxFailures: ejection?.consecutiveFailures ?? Infinity,
    tables: tables.of(pool, slotOf),
    targets: pool.targets.map(({ key, name, addresses, config: { weight, maxConnections, tier } }) => ({
      name,
      addresses,
      slot: slotOf(key),
      weight,
      maxConnections,
      tier,
    })),
  };
}
