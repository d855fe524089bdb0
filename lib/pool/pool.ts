import type { Chooser, Client } from "./algorithm.ts";
import type { AlgorithmName } from "../values/words.ts";
import { algorithms } from "./algorithms.ts";
import type { MaglevTable } from "./maglev.ts";
import type { SharedPoolState } from "./shared.ts";
import type { Target } from "./target.ts";

/** A pool as one snapshot has it; `slot` numbers its words in shared memory and stays with the name. */
export interface PoolSpec {
  readonly name: string;
  readonly slot: number;
  readonly algorithm: AlgorithmName;
  readonly targets: readonly Target[];
}

/** What a pool works with: `random` returns 0 <= x < 1, `previous` is the pool of the snapshot before. */
export interface PoolOptions {
  readonly shared: SharedPoolState;
  readonly random: () => number;
  readonly previous?: Pool | undefined;
}

/** Who asks, and the targets that its session has tried already (known by their slot). */
export interface PickRequest {
  readonly client: Client;
  readonly tried: readonly Target[];
}

/**
 * The answer of a pool: a target, or why there is none.
 *
 * `full`: untried targets serve, and each has all its sessions. `no_target`: no untried target serves.
 */
export type Picked =
  | { readonly kind: "target"; readonly target: Target }
  | { readonly kind: "none"; readonly reason: "no_target" | "full" };

interface Tier {
  readonly serving: readonly Target[];
  /** Whether any target of the tier can be full. */
  readonly limited: boolean;
  readonly chooser: Chooser;
}

/** One pool of one snapshot in one thread; what it counts is in shared memory, so it may be replaced at any time. */
export class Pool {
  readonly name: string;
  readonly #shared: SharedPoolState;
  readonly #tiers: readonly Tier[];
  readonly #targetCount: number;

  /** Throws RangeError for a slot that the shared memory does not have. */
  constructor(spec: PoolSpec, options: PoolOptions) {
    checkSlots(spec, options.shared);
    this.name = spec.name;
    this.#shared = options.shared;
    this.#targetCount = spec.targets.length;
    const tables = options.previous === undefined ? [] : options.previous.#tables();
    this.#tiers = tiersOf(spec, options, tables);
  }

  /**
   * Chooses a target without taking a place on it: by the algorithm among the untried eligible targets of the lowest
   * tier that has any. Spends a turn in roundRobin and in ties of leastConnections.
   */
  pick({ client, tried }: PickRequest): Picked {
    let reason: "no_target" | "full" = "no_target";
    for (const tier of this.#tiers) {
      const untried = tried.length === 0
        ? tier.serving
        : tier.serving.filter(({ slot }) => !tried.some((other) => other.slot === slot));
      const candidates = tier.limited ? untried.filter((target) => !this.#isFull(target)) : untried;
      if (candidates.length > 0) return { kind: "target", target: tier.chooser.choose(candidates, client) };
      if (untried.length > 0) reason = "full";
    }
    return { kind: "none", reason };
  }

  /**
   * Chooses a target and takes a place on it, never above its `maxConnections` over all threads; the caller gives the
   * place back with `release`.
   */
  take(request: PickRequest): Picked {
    // Another thread may fill the target between pick and acquire; the next pick then sees it full. The bound keeps
    // a storm of threads from holding this one.
    for (let attempt = 0; attempt <= this.#targetCount; attempt++) {
      const picked = this.pick(request);
      if (picked.kind === "none") return picked;
      if (this.#shared.acquire(picked.target.slot, picked.target.maxConnections)) return picked;
    }
    return { kind: "none", reason: "full" };
  }

  /** Gives back the place that `take` took, exactly once; throws when no place is taken. */
  release(target: Target): void {
    this.#shared.release(target.slot);
  }

  #isFull({ slot, maxConnections }: Target): boolean {
    return this.#shared.open(slot) >= maxConnections;
  }

  #tables(): MaglevTable[] {
    return this.#tiers.flatMap(({ chooser }) => chooser.table ?? []);
  }
}

function checkSlots({ name, slot, targets }: PoolSpec, shared: SharedPoolState): void {
  if (!shared.hasPool(slot)) throw new RangeError(`pool ${name}: no shared memory for pool slot ${slot}`);
  const stray = targets.find((target) => !shared.hasTarget(target.slot));
  if (stray) {
    throw new RangeError(`target ${name}/${stray.address}: no shared memory for target slot ${stray.slot}`);
  }
}

// A tier in which nothing serves stays in the list, for its table: its targets return to the clients they had.
function tiersOf(spec: PoolSpec, { shared, random }: PoolOptions, tables: readonly MaglevTable[]): Tier[] {
  const members = spec.targets.filter(({ weight }) => weight > 0);
  const numbers = [...new Set(members.map(({ tier }) => tier))].sort((a, b) => a - b);
  return numbers.map((number) => {
    const inTier = members.filter(({ tier }) => tier === number);
    const serving = inTier.filter((target) => target.serving);
    const limited = serving.some(({ maxConnections }) => maxConnections !== Infinity);
    const chooser = algorithms[spec.algorithm]({
      poolSlot: spec.slot,
      members: inTier,
      shared,
      random,
      tables,
    });
    return { serving, limited, chooser };
  });
}
