import type { Watched } from "./spec.ts";

/** First probes start at least so far apart in a small set; a large set is spread over one interval. */
const FIRST_GAP_MS = 5;

/**
 * Milliseconds between the first probes of a set: no faster than the later ones will come.
 *
 * A small set is probed at once, a large one over at most one interval.
 */
export function firstGapMs(targets: readonly Watched[]): number {
  const perMs = targets.reduce(
    (sum, { health }) => sum + (health.check === "none" ? 0 : 1 / health.timing.intervalMs),
    0,
  );
  return Math.min(FIRST_GAP_MS, 1 / perMs);
}
