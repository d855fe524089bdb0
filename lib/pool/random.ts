import type { Chooser, Setting } from "./algorithm.ts";
import { drawByWeight } from "./draw.ts";

/** Chooses at random, each target with a probability proportional to its weight. */
export function random({ random }: Setting): Chooser {
  return { choose: (candidates) => drawByWeight(candidates, random) };
}
