/** Turns a configuration and the state of every target into the snapshot that the data plane works by. */
import type { Config, ListenerConfig, PoolConfig } from "../config/config.ts";
import type { ListenerSpec, PoolPlan, Snapshot } from "../dataplane/snapshot.ts";
import { formatAddress } from "../values/address.ts";

/** The names under which slots of shared memory and health states are kept. */
export const names = {
  process: "process",
  listener: (name: string) => `listener ${name}`,
  pool: (name: string) => name,
  target: (pool: string, address: string) => `target ${pool}/${address}`,
} as const;

export interface PlanOptions {
  readonly generation: number;
  readonly maxConnections: number;
  readonly placeSlot: (name: string) => number;
  readonly poolSlot: (name: string) => number;
  /** Whether the target of this name takes new sessions. */
  readonly serving: (targetName: string) => boolean;
}

/** The snapshot for `config` as things stand. */
export function snapshotOf(config: Config, options: PlanOptions): Snapshot {
  return {
    generation: options.generation,
    access: config.log.access,
    process: { slot: options.placeSlot(names.process), maxConnections: options.maxConnections },
    listeners: config.listeners.map((listener) => listenerSpec(listener, options)),
    pools: config.pools.map((pool) => poolPlan(pool, options)),
  };
}

/** Every name of places that `config` uses. */
export function placeNames({ listeners, pools }: Config): string[] {
  return [
    names.process,
    ...listeners.map(({ name }) => names.listener(name)),
    ...pools.flatMap(({ name, targets }) =>
      targets.map(({ address }) => names.target(name, formatAddress(address)))
    ),
  ];
}

function listenerSpec(listener: ListenerConfig, { placeSlot }: PlanOptions): ListenerSpec {
  const { connectMs, idleMs, halfClosedMs, stallMs, lifetimeMs } = listener.timeouts;
  return {
    name: listener.name,
    slot: placeSlot(names.listener(listener.name)),
    pool: listener.pool,
    maxConnections: listener.maxConnections,
    connectTimeoutMs: connectMs,
    relayLimits: { idleMs, halfClosedMs, stallMs, lifetimeMs },
  };
}

function poolPlan(pool: PoolConfig, { placeSlot, poolSlot, serving }: PlanOptions): PoolPlan {
  return {
    name: pool.name,
    slot: poolSlot(names.pool(pool.name)),
    algorithm: pool.algorithm,
    retryAttempts: pool.retry.attempts,
    targets: pool.targets.map(({ address, weight, maxConnections, tier }) => {
      const text = formatAddress(address);
      const name = names.target(pool.name, text);
      return {
        address: text,
        socketAddress: address,
        slot: placeSlot(name),
        weight,
        maxConnections,
        tier,
        serving: serving(name),
      };
    }),
  };
}
