/** Which word of the shared memory belongs to whom. */

/** Numbers names from 0 up; a name keeps its number for as long as it is in use. */
export class SlotTable {
  readonly #slots = new Map<string, number>();
  readonly #capacity: number;
  readonly #canReuse: (slot: number) => boolean;
  #kept: ReadonlySet<string> = new Set();

  /** `canReuse` says whether nobody uses the slot any more, and clears it. */
  constructor(capacity: number, canReuse: (slot: number) => boolean) {
    this.#capacity = capacity;
    this.#canReuse = canReuse;
  }

  /** Says which names are in use from now on; the others lose their number once somebody needs it. */
  keep(names: ReadonlySet<string>): void {
    this.#kept = names;
  }

  /** The number of a name. Throws RangeError when all are taken. */
  slotOf(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#slots.size < this.#capacity ? this.#slots.size : this.#reclaim();
    this.#slots.set(name, slot);
    return slot;
  }

  #reclaim(): number {
    for (const [name, slot] of this.#slots) {
      if (this.#kept.has(name) || !this.#canReuse(slot)) continue;
      this.#slots.delete(name);
      return slot;
    }
    throw new RangeError(`more than ${this.#capacity} are in use`);
  }
}
