import type { Selector, SelectorInput } from "./algorithm.ts";
import { drawByWeight } from "./draw.ts";

/** Selects at random, each target with a probability proportional to its weight. */
export function random({ random }: SelectorInput): Selector {
  return { select: (candidates) => drawByWeight(candidates, random) };
}
