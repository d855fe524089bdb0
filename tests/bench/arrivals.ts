/** When the requests of a fixed load are due. */

/**
 * Due times in ms from 0, at random with the mean rate `perS` (a Poisson process: independent clients), for `seconds`.
 * The same seed gives the same times, so that everybody gets the same load.
 */
export function arrivalsMs(
  { perS, seconds, seed }: { perS: number; seconds: number; seed: number },
): Float64Array {
  const random = randomFrom(seed);
  const times: number[] = [];
  const endMs = seconds * 1000;
  for (let atMs = 0;;) {
    atMs -= Math.log(1 - random()) * 1000 / perS;
    if (atMs >= endMs) return Float64Array.from(times);
    times.push(atMs);
  }
}

/** Numbers 0 <= x < 1: xorshift32 (Marsaglia 2003). */
function randomFrom(seed: number): () => number {
  let state = (seed * 2654435761 | 0) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
