/** In which order the servers are measured. */

/**
 * The members one after the other, beginning one further in each round and backwards in every second one: nobody is always first,
 * and nobody always comes after the same one.
 */
export function orderOf<Member>(members: readonly Member[], round: number): Member[] {
  const rotated = members.map((_, index) => members[(index + round - 1) % members.length]!);
  return round % 2 === 0 ? rotated.toReversed() : rotated;
}
