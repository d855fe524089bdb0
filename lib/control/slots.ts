/** Which row of the shared memory belongs to whom. */
import type { Config } from "../config/config.ts";
import { capacity } from "../shared/layout.ts";

export interface SlotTableOptions {
  readonly capacity: number;
  /** Whether nobody can use what was retired at this revision any more. */
  readonly isUnused: (revision: number) => boolean;
  /** Called before a slot gets another owner: forgets what it holds. */
  readonly onReuse: (slot: number) => void;
}

interface Entry {
  readonly slot: number;
  /** The first revision without it; undefined = in use. */
  retiredAt: number | undefined;
}

/** Numbers keys from 0 up. A key keeps its slot for as long as it is in use, and until the last reader of it is gone. */
export class SlotTable {
  readonly #entries = new Map<string, Entry>();
  readonly #options: SlotTableOptions;

  constructor(options: SlotTableOptions) {
    this.#options = options;
  }

  /**
   * Gives every key a slot that has none, all of them or none. Returns the keys that are new, for `giveBack`; undefined when
   * there are too few slots.
   */
  take(keys: Iterable<string>): readonly string[] | undefined {
    const asked = new Set(keys);
    const wanted = [...asked].filter((key) => !this.#entries.has(key));
    const free = this.#freeSlots(wanted.length, asked);
    if (free.length < wanted.length) return undefined;
    for (const [index, key] of wanted.entries()) {
      this.#entries.set(key, { slot: free[index]!, retiredAt: undefined });
    }
    return wanted;
  }

  /** Takes slots back that no revision has had yet. */
  giveBack(keys: Iterable<string>): void {
    for (const key of keys) this.#entries.delete(key);
  }

  /** Says which keys are in use from `revision` on; the others lose their slot once nobody can use it any more. */
  keep(keys: Iterable<string>, revision: number): void {
    const kept = new Set(keys);
    for (const [key, entry] of this.#entries) {
      entry.retiredAt = kept.has(key) ? undefined : entry.retiredAt ?? revision;
    }
  }

  /** The slot of a key that has one. Throws RangeError for a key that has none. */
  slotOf(key: string): number {
    const entry = this.#entries.get(key);
    if (entry === undefined) throw new RangeError(`${key} has no slot`);
    return entry.slot;
  }

  /** The slot of a key that is retired, for as long as somebody may still use it as that key's; undefined = nobody can. */
  retiredSlotOf(key: string): number | undefined {
    const { slot, retiredAt } = this.#entries.get(key) ?? {};
    return retiredAt === undefined || this.#options.isUnused(retiredAt) ? undefined : slot;
  }

  /** So many slots that nobody has, or fewer; those of retired keys, but for `kept`, only where there are no others. */
  #freeSlots(count: number, kept: ReadonlySet<string>): number[] {
    const { capacity, isUnused, onReuse } = this.#options;
    const taken = new Set([...this.#entries.values()].map(({ slot }) => slot));
    const free: number[] = [];
    for (let slot = 0; slot < capacity && free.length < count; slot++) {
      if (!taken.has(slot)) free.push(slot);
    }
    const reusable: [string, number][] = [];
    for (const [key, { slot, retiredAt }] of this.#entries) {
      if (free.length + reusable.length >= count) break;
      if (retiredAt !== undefined && !kept.has(key) && isUnused(retiredAt)) reusable.push([key, slot]);
    }
    if (free.length + reusable.length < count) return free;
    for (const [key, slot] of reusable) {
      this.#entries.delete(key);
      onReuse(slot);
      free.push(slot);
    }
    return free;
  }
}

/** Why a configuration does not fit into the shared memory; undefined = it does. */
export function whyTooLarge({ listeners, pools }: Config): string | undefined {
  // Half: what a reload takes out keeps its slot until its last session has ended.
  const max = { slots: capacity.slots / 2, pools: capacity.pools / 2 };
  const slots = 1 + listeners.length + pools.reduce((sum, { targets }) => sum + targets.length, 0);
  if (slots > max.slots) return `${slots - 1} listeners and targets, at most ${max.slots - 1} fit`;
  return pools.length > max.pools ? `${pools.length} pools, at most ${max.pools} fit` : undefined;
}
