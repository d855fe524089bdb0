import { hash32 } from "./hash.ts";
import { WeightedSequence } from "./weighted_sequence.ts";

/** Entries in a table: a prime, so that every skip visits every entry; the paper's size for shares within about 1 %. */
export const maglevSize = 65537;

const empty = 0xffff;
const offsetSeed = 0x6f666673;
const skipSeed = 0x736b6970;

/** A member of a table; `weight` is above 0. */
export interface MaglevMember {
  readonly name: string;
  readonly slot: number;
  readonly weight: number;
}

/** A lookup table in shared memory: `slots[entries[hash % maglevSize]]` is the target slot of a client. */
export interface MaglevTable {
  readonly slots: readonly number[];
  readonly entries: Uint16Array;
}

/** Members in the order of a table, which must not depend on the order of a file. */
export function inTableOrder<Member extends { readonly name: string }>(members: readonly Member[]): Member[] {
  return members.toSorted((a, b) => a.name < b.name ? -1 : 1);
}

/** The name of a table's content: equal exactly when the names, weights and order of the members are. */
export function maglevKey(members: readonly Pick<MaglevMember, "name" | "weight">[]): string {
  return JSON.stringify(members.map(({ name, weight }) => [name, weight]));
}

/**
 * Builds the entries of a table little by little: Eisenbud et al., "Maglev" (NSDI 2016), section 3.4.
 *
 * Each member walks its own permutation of the entries (offset and skip from two hashes of its name) and, whenever it comes
 * next, takes the next free one. The paper leaves weights open; here WeightedSequence says who comes next, so a share is
 * exact to the entry: weights 1 and 2 take 21,846 and 43,691.
 */
export class MaglevBuilder {
  readonly entries: Uint16Array;
  readonly #skips: readonly number[];
  readonly #positions: number[];
  readonly #sequence: WeightedSequence;
  #filled = 0;

  /** `members` in table order. Throws RangeError for more members than an entry can name (65,535). */
  constructor(members: readonly Pick<MaglevMember, "name" | "weight">[]) {
    if (members.length > empty) {
      throw new RangeError(`a Maglev table of ${members.length} members, at most ${empty}`);
    }
    const bytes = new SharedArrayBuffer(maglevSize * Uint16Array.BYTES_PER_ELEMENT);
    this.entries = new Uint16Array(bytes).fill(empty);
    this.#skips = members.map(({ name }) => hash32(name, skipSeed) % (maglevSize - 1) + 1);
    this.#positions = members.map(({ name }) => hash32(name, offsetSeed) % maglevSize);
    this.#sequence = new WeightedSequence(members.map(({ weight }) => weight));
  }

  /** Fills at most so many entries more; true once the table is whole. */
  fill(maxEntries: number): boolean {
    const { entries } = this;
    const end = Math.min(maglevSize, this.#filled + maxEntries);
    for (; this.#filled < end; this.#filled++) {
      const member = this.#sequence.next();
      const skip = this.#skips[member]!;
      let position = this.#positions[member]!;
      while (entries[position] !== empty) {
        position += skip;
        if (position >= maglevSize) position -= maglevSize;
      }
      entries[position] = member;
      this.#positions[member] = position;
    }
    return this.#filled === maglevSize;
  }
}

/** Builds a whole table at once, which takes some milliseconds. */
export function buildMaglev(members: readonly MaglevMember[]): MaglevTable {
  const ordered = inTableOrder(members);
  const builder = new MaglevBuilder(ordered);
  builder.fill(maglevSize);
  return { slots: ordered.map(({ slot }) => slot), entries: builder.entries };
}
