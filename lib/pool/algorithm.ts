import type { Shared } from "../shared/shared.ts";
import type { MaglevTable } from "./maglev.ts";
import type { Candidate } from "./target.ts";

/**
 * What an algorithm may know of the tier it selects in.
 *
 * `members` are the tier's targets with a configured weight above 0, eligible or not, in list order. `random` returns
 * 0 <= x < 1. `table` is the tier's Maglev table, where the algorithm has one.
 */
export interface SelectorInput {
  readonly poolSlot: number;
  readonly members: readonly Candidate[];
  readonly shared: Shared;
  readonly random: () => number;
  readonly table: MaglevTable | undefined;
}

/** The client as algorithms see it. Most never ask for its IP address, so it is not written out before one does. */
export interface Client {
  readonly remoteHost: string;
}

/** Selects among the eligible targets of one tier. */
export interface Selector {
  /** `candidates` is never empty and holds members of the tier only, in list order. */
  select(candidates: readonly Candidate[], client: Client): Candidate;
}

/** Makes the selector of one tier of one snapshot; what has to outlive the snapshot is in `shared`. */
export type Algorithm = (input: SelectorInput) => Selector;
