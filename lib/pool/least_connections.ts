import type { Selector, SelectorInput } from "./algorithm.ts";
import { loadWithOneMore } from "./load.ts";
import type { Candidate } from "./target.ts";

/**
 * Selects the lowest (open + 1) / weight; equal ones win one after the other.
 *
 * A tie goes to the first tied target, by slot number, after the one that won the last tie. A plain counter modulo the
 * list would favour the target after a gap: of four targets with two tied, one would win three times in four.
 */
export function leastConnections({ poolSlot, shared: { permits, pools } }: SelectorInput): Selector {
  return {
    select(candidates) {
      const tied = leastLoaded(candidates, (target) => loadWithOneMore(target, permits));
      if (tied.length === 1) return tied[0]!;
      const winner = nextBySlot(tied, pools.lastTied(poolSlot));
      pools.setLastTied(poolSlot, winner.slot);
      return winner;
    },
  };
}

function leastLoaded(candidates: readonly Candidate[], loadOf: (target: Candidate) => number): Candidate[] {
  const tied: Candidate[] = [];
  let least = Infinity;
  for (const candidate of candidates) {
    const load = loadOf(candidate);
    if (load < least) {
      least = load;
      tied.length = 0;
    }
    if (load === least) tied.push(candidate);
  }
  return tied;
}

function nextBySlot(tied: readonly Candidate[], lastSlot: number): Candidate {
  let lowest = tied[0]!;
  let next: Candidate | undefined;
  for (const target of tied) {
    if (target.slot < lowest.slot) lowest = target;
    if (target.slot > lastSlot && (next === undefined || target.slot < next.slot)) next = target;
  }
  return next ?? lowest;
}
