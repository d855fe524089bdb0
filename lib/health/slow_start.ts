/** How much a target takes that has just come back: a tenth at first, then ever more. Pure. */

/** What it begins with, as a fraction. */
const firstShare = 0.1;

/** The share of its weight and of its `maxConnections`, 0.1 to 1, so many milliseconds after it came back. */
export function startShare(elapsedMs: number, slowStartMs: number): number {
  if (elapsedMs >= slowStartMs) return 1;
  return firstShare + (1 - firstShare) * Math.max(0, elapsedMs) / slowStartMs;
}

/** After how many milliseconds the share is taken anew: fifty steps, but no more than ten a second. */
export function startStepMs(slowStartMs: number): number {
  return Math.max(100, slowStartMs / 50);
}
