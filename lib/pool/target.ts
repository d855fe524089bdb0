import type { SocketAddress } from "../values/address.ts";

/**
 * A target as a snapshot has it: what changes only on reload and discovery. Its state and the weight in force are words in
 * shared memory, under `slot`, which stays with the target from snapshot to snapshot.
 */
export interface Target {
  /** "host:port" as lb.yaml has it: its identity in the pool. */
  readonly name: string;
  /** What the name stands for, in order of preference; empty = nothing yet. */
  readonly addresses: readonly SocketAddress[];
  readonly slot: number;
  /** As configured, 0 or more (0 = no new sessions). */
  readonly weight: number;
  /** `Infinity` = no limit. */
  readonly maxConnections: number;
  /** Tier 0 serves first. */
  readonly tier: number;
}

/** A target as one thread's picks see it. */
export interface Candidate extends Target {
  /** The weight in force, above 0, may be fractional. Only the pool writes it. */
  weight: number;
  /** How many sessions it takes now: its `maxConnections`, less of it while it starts slowly. Only the pool writes it. */
  limit: number;
}

/** The items with the one at `index` first and the others in their order behind it; an index out of range changes nothing. */
export function preferredFirst<T>(items: readonly T[], index: number): readonly T[] {
  const preferred = items[index];
  if (preferred === undefined || index === 0) return items;
  return [preferred, ...items.filter((_, each) => each !== index)];
}
