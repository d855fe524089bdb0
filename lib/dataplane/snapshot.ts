/** What the data plane works by: everything the control plane has decided, immutable. */
import type { PoolSpec } from "../pool/pool.ts";
import type { RelayLimits } from "../relay/engine.ts";

/** All decisions as they stand at one moment. A session keeps the one it began with. */
export interface Snapshot {
  /** The number of the configuration, from 1; health changes do not change it. */
  readonly generation: number;
  /** Which closed sessions the control plane wants to hear of. */
  readonly access: "all" | "abnormal" | "none";
  readonly process: { readonly slot: number; readonly maxConnections: number };
  readonly listeners: readonly ListenerSpec[];
  readonly pools: readonly PoolPlan[];
}

/** A listener's rules; where it is bound is told apart, because that outlives a snapshot. Infinity = none. */
export interface ListenerSpec {
  readonly name: string;
  readonly slot: number;
  readonly pool: string;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  readonly relayLimits: RelayLimits;
}

/** A pool and how often a session tries it. */
export interface PoolPlan extends PoolSpec {
  readonly retryAttempts: number;
}
