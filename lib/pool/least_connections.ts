import type { Chooser, Setting } from "./algorithm.ts";
import { loadWithOneMore } from "./load.ts";
import type { Target } from "./target.ts";

/**
 * Chooses the lowest (open + 1) / weight; equal ones take turns.
 *
 * The turn goes round by slot number, to the first tied target after the one that won the last tie. A plain counter
 * modulo the list would favour the target after a gap: of four targets with two tied, one would win three times in four.
 */
export function leastConnections({ poolSlot, shared }: Setting): Chooser {
  return {
    choose(candidates) {
      const tied = leastLoaded(candidates, (target) => loadWithOneMore(target, shared));
      if (tied.length === 1) return tied[0]!;
      const winner = nextBySlot(tied, shared.lastTied(poolSlot));
      shared.setLastTied(poolSlot, winner.slot);
      return winner;
    },
  };
}

function leastLoaded(candidates: readonly Target[], loadOf: (target: Target) => number): Target[] {
  const tied: Target[] = [];
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

function nextBySlot(tied: readonly Target[], lastSlot: number): Target {
  let lowest = tied[0]!;
  let next: Target | undefined;
  for (const target of tied) {
    if (target.slot < lowest.slot) lowest = target;
    if (target.slot > lastSlot && (next === undefined || target.slot < next.slot)) next = target;
  }
  return next ?? lowest;
}
