/** Writes what is decided about targets into shared memory, where every pick reads it. The only writer of these words. */
import { stateWord, type TargetConditions } from "../pool/target_state.ts";
import type { PoolWords } from "../shared/pool_words.ts";
import type { TargetWords } from "../shared/target_words.ts";

/** A target's rows, and what is known of it. */
export interface TargetRow {
  readonly slot: number;
  readonly poolSlot: number;
  readonly conditions: TargetConditions;
  /** The weight in force. */
  readonly weight: number;
  /** Which share of its `maxConnections` it takes now; 1 if left out. */
  readonly share?: number;
}

export class TargetRows {
  readonly #targets: TargetWords;
  readonly #pools: PoolWords;

  constructor({ targets, pools }: { readonly targets: TargetWords; readonly pools: PoolWords }) {
    this.#targets = targets;
    this.#pools = pools;
  }

  /** Has every thread see these targets as they are now at its next pick; what has not changed costs nobody anything. */
  write(rows: Iterable<TargetRow>): void {
    const moved = new Set<number>();
    for (const { slot, poolSlot, conditions, weight, share = 1 } of rows) {
      if (this.#targets.set(slot, { state: stateWord(conditions), weight, share })) moved.add(poolSlot);
    }
    // Behind the words: whoever sees the new epoch must see the new words.
    for (const poolSlot of moved) this.#pools.advanceEpoch(poolSlot);
  }
}
