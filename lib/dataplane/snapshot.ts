/** What the data plane works by: the structure the control plane has decided, immutable. States are in shared memory. */
import type { PoolSpec } from "../pool/pool.ts";
import type { RelayLimits } from "../relay/engine.ts";

/** The structure as it stands from one reload or discovery to the next. A session keeps the one it began with. */
export interface Snapshot {
  /** Numbers the snapshots of a process from 1, each higher than the one before. */
  readonly revision: number;
  /** The number of the configuration, from 1; what names stand for does not change it. */
  readonly generation: number;
  /** Which closed sessions the control plane wants records of. */
  readonly access: "all" | "abnormal" | "none";
  readonly process: { readonly slot: number; readonly maxConnections: number };
  readonly listeners: readonly ListenerSpec[];
  readonly pools: readonly PoolSpec[];
}

/** A listener's rules. Infinity = none. */
export interface ListenerSpec {
  readonly name: string;
  readonly slot: number;
  /** The keys of the binds whose clients it serves. */
  readonly binds: readonly string[];
  readonly pool: string;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** How long a client waits while every eligible target is full. */
  readonly queueTimeoutMs: number;
  readonly relayLimits: RelayLimits;
}
