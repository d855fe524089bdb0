/** Medians, spread and paired ratios. */

/** The middle value, of an even number the mean of the two middle ones; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)]!;
  return sorted.length === 0 ? NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median, least and greatest. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Sums up; undefined for no values. */
export function summarise(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Values by round. */
export type Rounds = ReadonlyMap<number, number>;

/** The name with the best median; undefined when nobody has a value. */
export function bestOf<Name>(
  candidates: ReadonlyMap<Name, Rounds>,
  better: "higher" | "lower",
): Name | undefined {
  let best: { name: Name; median: number } | undefined;
  for (const [name, rounds] of candidates) {
    const own = median([...rounds.values()]);
    if (Number.isNaN(own)) continue;
    const wins = best === undefined || (better === "higher" ? own > best.median : own < best.median);
    if (wins) best = { name, median: own };
  }
  return best?.name;
}

/**
 * The median of value / reference over the rounds that both have: what drifts from round to round moves both and
 * falls out. NaN when they share no round.
 */
export function pairedRatio(values: Rounds, reference: Rounds): number {
  return median([...values].flatMap(([round, value]) => {
    const other = reference.get(round);
    return other === undefined || other === 0 ? [] : [value / other];
  }));
}

/** The value below which a share of the sorted values lies (nearest rank); NaN of none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return NaN;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!;
}
