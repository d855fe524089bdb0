/** The Maglev tables of sourceHash pools: built once for each set of members, in slices, and shared with all threads. */
import { inTableOrder, MaglevBuilder, maglevKey } from "../pool/maglev.ts";
import type { TierTable } from "../pool/pool.ts";
import type { PoolModel, TargetModel } from "./model.ts";
import { nextTask } from "./within.ts";

/** So many entries are filled at a time: well below a millisecond. */
const entriesPerSlice = 4_096;

/** After so long everybody else on this thread gets a chance. */
const maxSliceMs = 4;

export class MaglevTables {
  readonly #entries = new Map<string, Uint16Array>();

  /** Builds every table of these pools that is not there yet. Takes a few milliseconds for each, and holds nobody up. */
  async build(pools: readonly PoolModel[]): Promise<void> {
    let sliceAt = performance.now();
    for (const { key, members } of pools.flatMap(tiersOf)) {
      if (this.#entries.has(key)) continue;
      const builder = new MaglevBuilder(members.map(({ name, config: { weight } }) => ({ name, weight })));
      while (!builder.fill(entriesPerSlice)) {
        if (performance.now() - sliceAt < maxSliceMs) continue;
        await nextTask();
        sliceAt = performance.now();
      }
      this.#entries.set(key, builder.entries);
    }
    // What comes next has a slice of its own.
    await nextTask();
  }

  /** The tables of a pool, built before. */
  of(pool: PoolModel, slotOf: (key: string) => number): TierTable[] {
    return tiersOf(pool).map(({ key, tier, members }) => {
      const entries = this.#entries.get(key);
      if (entries === undefined) throw new Error(`pool ${pool.config.name}: a Maglev table was not built`);
      return { tier, slots: members.map((member) => slotOf(member.key)), entries };
    });
  }

  /** Forgets the tables that these pools do not need. */
  keep(pools: readonly PoolModel[]): void {
    const kept = new Set(pools.flatMap(tiersOf).map(({ key }) => key));
    for (const key of [...this.#entries.keys()]) {
      if (!kept.has(key)) this.#entries.delete(key);
    }
  }
}

interface TierMembers {
  readonly key: string;
  readonly tier: number;
  /** In table order. */
  readonly members: readonly TargetModel[];
}

function tiersOf({ config, targets }: PoolModel): TierMembers[] {
  if (config.algorithm !== "sourceHash") return [];
  const weighted = targets.filter(({ config: { weight } }) => weight > 0);
  const numbers = [...new Set(weighted.map(({ config: { tier } }) => tier))];
  return numbers.map((tier) => {
    const members = inTableOrder(weighted.filter((target) => target.config.tier === tier));
    const key = maglevKey(members.map(({ name, config: { weight } }) => ({ name, weight })));
    return { key, tier, members };
  });
}
