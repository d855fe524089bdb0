import type { Selector, SelectorInput } from "./algorithm.ts";
import { drawByWeight } from "./draw.ts";
import { loadWithOneMore } from "./load.ts";

/**
 * Draws two different targets and selects the one with the lower (open + 1) / weight, at a tie the first drawn.
 *
 * Both draws go by weight, so that a heavy target is also seen more often; drawn evenly, a heavy one among many light
 * ones would be seen too rarely to reach its share. From Mitzenmacher, "The Power of Two Choices in Randomized Load
 * Balancing" (2001). Calls `random` twice, or not at all for a single candidate.
 */
export function powerOfTwo({ random, shared: { permits } }: SelectorInput): Selector {
  return {
    select(candidates) {
      if (candidates.length === 1) return candidates[0]!;
      const one = drawByWeight(candidates, random);
      const other = drawByWeight(candidates.filter((candidate) => candidate !== one), random);
      return loadWithOneMore(other, permits) < loadWithOneMore(one, permits) ? other : one;
    },
  };
}
