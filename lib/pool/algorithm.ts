import type { MaglevTable } from "./maglev.ts";
import type { SharedPoolState } from "./shared.ts";
import type { Target } from "./target.ts";

/**
 * What an algorithm may know of the tier it chooses in.
 *
 * `members` are the tier's targets of weight above 0, serving or not, in list order. `random` returns 0 <= x < 1.
 * `tables` are the Maglev tables of the snapshot before, for reuse.
 */
export interface Setting {
  readonly poolSlot: number;
  readonly members: readonly Target[];
  readonly shared: SharedPoolState;
  readonly random: () => number;
  readonly tables: readonly MaglevTable[];
}

/** The client as algorithms see it. Most never ask for its IP address, so it is not written out before one does. */
export interface Client {
  readonly remoteHost: string;
}

/**
 * Chooses among the eligible targets of one tier.
 *
 * `candidates` is never empty and holds members of the tier only, in list order.
 */
export interface Chooser {
  choose(candidates: readonly Target[], client: Client): Target;
  /** The Maglev table in use, so that the next snapshot can take it over. */
  readonly table?: MaglevTable;
}

/** Makes the chooser of one tier of one snapshot; what has to outlive the snapshot is in `shared`. */
export type Algorithm = (setting: Setting) => Chooser;
