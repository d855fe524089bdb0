import type { Selector } from "./algorithm.ts";

/** Selects the first eligible target in list order: the next one only sees what the ones before cannot take. */
export function first(): Selector {
  return { select: (candidates) => candidates[0]! };
}
