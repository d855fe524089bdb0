import type { Selector, SelectorInput } from "./algorithm.ts";
import type { Candidate } from "./target.ts";

// Running weights are whole numbers in shared memory: so many units are one turn.
const unitsPerTurn = 2 ** 26;
// With steady weights a running weight stays within -1 and 1.4 turns of the mean (measured over random weights), so two
// never bends an order that is right.
const maxDistanceTurns = 2;
const maxMean = 4 * unitsPerTurn;

/**
 * Smooth weighted round robin, in one order for all threads: weights 5, 1, 1 give a a b a c a a.
 *
 * Each turn adds to every candidate its weight, gives the turn to the highest and takes the sum of the weights from
 * it (nginx, commit 52327e0627f4, "Upstream: smooth weighted round-robin balancing"). Unlike there, weights are first
 * scaled so that their sum is one turn whoever takes part: with raw weights a turn is cheaper while others are away,
 * and a regular flap of one target can give two equal others unequal shares.
 *
 * A target that leaves keeps its running weight as it was and goes on with it when it returns: neither the time away nor
 * the number of flaps earns credit or debt. What it kept may mean nothing any more (others came and went, the slot had
 * another owner), so every turn first brings each running weight to within two turns of the candidates' mean. A
 * returning target is thus at most two of its own turns ahead of its share or behind it.
 */
export function roundRobin({ poolSlot, shared: { lock } }: SelectorInput): Selector {
  return {
    select: (candidates) => lock.exclusively(poolSlot, (weights) => takeTurn(candidates, weights)),
  };
}

function takeTurn(candidates: readonly Candidate[], runningWeights: Int32Array): Candidate {
  let weights = 0;
  let sum = 0;
  for (const candidate of candidates) {
    weights += candidate.weight;
    sum += runningWeights[candidate.slot]!;
  }
  const mean = Math.round(sum / candidates.length);
  // Targets that leave for good take their running weight along and so move the mean of the others. Only differences
  // count, so it may be moved back; done rarely, because it changes the standing of those that are away.
  const drift = Math.abs(mean) > maxMean ? mean : 0;
  // A whole scale keeps the proportion of whole weights, and with it the shares, exact.
  const scale = weights < unitsPerTurn ? Math.floor(unitsPerTurn / weights) : unitsPerTurn / weights;
  let spent = 0;
  let chosen = candidates[0]!;
  let most = -Infinity;
  for (const candidate of candidates) {
    const units = Math.max(1, Math.round(candidate.weight * scale));
    const running = clamped(runningWeights[candidate.slot]!, mean) - drift + units;
    runningWeights[candidate.slot] = running;
    spent += units;
    if (running > most) {
      most = running;
      chosen = candidate;
    }
  }
  runningWeights[chosen.slot] = most - spent;
  return chosen;
}

function clamped(running: number, mean: number): number {
  const distance = maxDistanceTurns * unitsPerTurn;
  return Math.min(Math.max(running, mean - distance), mean + distance);
}
