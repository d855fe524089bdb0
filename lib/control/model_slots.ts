/** The rows of shared memory that a model needs: one for the process, each listener and each target, and one for each pool. */
import { clearCounters } from "../shared/counters.ts";
import { capacity, type SharedMemory } from "../shared/layout.ts";
import { Readers } from "../shared/readers.ts";
import { TargetWords } from "../shared/target_words.ts";
import { processKey } from "./keys.ts";
import { type Model, poolNamesOf, slotKeysOf } from "./model.ts";
import { SlotTable } from "./slots.ts";

/** Owned by the balancer: `take` for a model that may come into force, `keep` once it has. */
export class ModelSlots {
  readonly #slots: SlotTable;
  readonly #poolSlots: SlotTable;
  /** The slot of the permit that every session holds. */
  readonly processSlot: number;

  constructor(memory: SharedMemory) {
    const readers = new Readers(memory);
    const targets = new TargetWords(memory);
    const isUnused = (revision: number) => readers.arePast(revision);
    this.#slots = new SlotTable({
      capacity: capacity.slots,
      isUnused,
      onReuse: (slot) => {
        clearCounters(memory, slot);
        targets.clear(slot);
      },
    });
    this.#poolSlots = new SlotTable({ capacity: capacity.pools, isUnused, onReuse: () => {} });
    this.#slots.take([processKey]);
    this.processSlot = this.#slots.slotOf(processKey);
  }

  /** Takes slots for what is new in a model, and has `undo` give them back; why there are not enough, if so. */
  take(model: Model, undo: AsyncDisposableStack): string | undefined {
    const full = (what: string) =>
      `no room for ${what} until sessions of ones that were removed have ended; try again later`;
    const slots = this.#slots.take(slotKeysOf(model));
    if (slots === undefined) return full("more listeners and targets");
    undo.defer(() => this.#slots.giveBack(slots));
    const poolSlots = this.#poolSlots.take(poolNamesOf(model));
    if (poolSlots === undefined) return full("more pools");
    undo.defer(() => this.#poolSlots.giveBack(poolSlots));
    return undefined;
  }

  /** Says that from `revision` on nobody but this model needs slots; those of others wait for their last readers. */
  keep(model: Model, revision: number): void {
    this.#slots.keep(slotKeysOf(model), revision);
    this.#poolSlots.keep(poolNamesOf(model), revision);
  }

  /** The slot of the process, a listener or a target. Throws RangeError for a key that has none. */
  slotOf(key: string): number {
    return this.#slots.slotOf(key);
  }

  /** The slot of a listener or a target that was removed, for as long as a session may still use it; undefined = none can. */
  retiredSlotOf(key: string): number | undefined {
    return this.#slots.retiredSlotOf(key);
  }

  /** The pool slot of a pool. Throws RangeError for one that has none. */
  poolSlotOf(pool: string): number {
    return this.#poolSlots.slotOf(pool);
  }
}
