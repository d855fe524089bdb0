import { hash32 } from "./hash.ts";
import { WeightedTurns } from "./weighted_turns.ts";

/** Places in a table: a prime, so that every skip visits every place; the paper's size for shares within about 1 %. */
export const maglevSize = 65537;

const empty = 0xffff;
const offsetSeed = 0x6f666673;
const skipSeed = 0x736b6970;

/** A member of a table; `weight` is above 0. */
export interface MaglevMember {
  readonly address: string;
  readonly weight: number;
}

/** A lookup table: `places[hash % maglevSize]` is an index into the members it was built from, `key` names those. */
export interface MaglevTable {
  readonly key: string;
  readonly places: Uint16Array;
}

/** The name of a member set: equal exactly when addresses, weights and order are. */
export function maglevKey(members: readonly MaglevMember[]): string {
  return JSON.stringify(members.map(({ address, weight }) => [address, weight]));
}

/**
 * Builds the table of a member set: Eisenbud et al., "Maglev" (NSDI 2016), section 3.4.
 *
 * Each member walks its own permutation of the places (offset and skip from two hashes of its address) and in its turn
 * takes the next free one. The paper leaves weights open; here turns are dealt by WeightedTurns, so a share is exact to
 * the place: weights 1 and 2 take 21,846 and 43,691. Members must come in an order that does not depend on the list.
 * Throws RangeError for more members than an index can name (65,535).
 */
export function buildMaglev(members: readonly MaglevMember[]): MaglevTable {
  if (members.length > empty) {
    throw new RangeError(`a Maglev table of ${members.length} members, at most ${empty}`);
  }
  const places = new Uint16Array(maglevSize).fill(empty);
  const skips = members.map(({ address }) => hash32(address, skipSeed) % (maglevSize - 1) + 1);
  const positions = members.map(({ address }) => hash32(address, offsetSeed) % maglevSize);
  const turns = new WeightedTurns(members.map(({ weight }) => weight));
  for (let filled = 0; filled < maglevSize; filled++) {
    const member = turns.next();
    const skip = skips[member]!;
    let position = positions[member]!;
    while (places[position] !== empty) position = (position + skip) % maglevSize;
    places[position] = member;
    positions[member] = position;
  }
  return { key: maglevKey(members), places };
}
