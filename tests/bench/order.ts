/** Whose turn it is. */

/**
 * The members in turn, beginning one further in each round and backwards in every second one: nobody is always first,
 * and nobody always comes after the same one.
 */
export function orderOf<Member>(members: readonly Member[], round: number): Member[] {
  const turned = members.map((_, index) => members[(index + round - 1) % members.length]!);
  return round % 2 === 0 ? turned.toReversed() : turned;
}
