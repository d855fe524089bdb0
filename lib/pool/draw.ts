/**
 * Draws one of `candidates` with a probability proportional to its weight, in O(n) for n candidates.
 *
 * `random` returns 0 <= x < 1 and is called once. `candidates` must not be empty.
 */
export function drawByWeight<T extends { readonly weight: number }>(
  candidates: readonly T[],
  random: () => number,
): T {
  let total = 0;
  for (const candidate of candidates) total += candidate.weight;
  let left = random() * total;
  for (const candidate of candidates) {
    left -= candidate.weight;
    if (left < 0) return candidate;
  }
  // Rounding of fractional weights can leave a crumb after the last one.
  return candidates.at(-1)!;
}
