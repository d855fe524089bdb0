import type { Chooser } from "./algorithm.ts";

/** Chooses the first eligible target in list order: the next one only sees what the ones before cannot take. */
export function first(): Chooser {
  return { choose: (candidates) => candidates[0]! };
}
