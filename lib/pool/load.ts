import type { Permits } from "../shared/permits.ts";
import type { Candidate } from "./target.ts";

/**
 * The load a target would have with one more session: (open + 1) / weight, lower is better.
 *
 * With the + 1 an idle target of weight 2 comes before an idle one of weight 1. Loads that are equal as fractions are
 * equal as numbers too, because IEEE 754 division rounds correctly; ties may be tested with ===.
 */
export function loadWithOneMore(target: Candidate, permits: Permits): number {
  return (permits.taken(target.slot) + 1) / target.weight;
}
