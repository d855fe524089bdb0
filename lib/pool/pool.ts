import type { Shared } from "../shared/shared.ts";
import type { AlgorithmName } from "../values/words.ts";
import type { Client, Selector } from "./algorithm.ts";
import { algorithms } from "./algorithms.ts";
import type { MaglevTable } from "./maglev.ts";
import type { Candidate, Target } from "./target.ts";
import { takesSessions } from "./target_state.ts";

/** A pool as a snapshot has it; `slot` numbers its words in shared memory and stays with the name. */
export interface PoolSpec {
  readonly name: string;
  readonly slot: number;
  readonly algorithm: AlgorithmName;
  readonly targets: readonly Target[];
  /** The Maglev table of each tier, where the algorithm has them. */
  readonly tables: readonly TierTable[];
  /** How many targets a session tries at most. */
  readonly retryAttempts: number;
}

/** The Maglev table of one tier. */
export interface TierTable extends MaglevTable {
  readonly tier: number;
}

/** What a pool works with: `random` returns 0 <= x < 1. */
export interface PoolOptions {
  readonly shared: Shared;
  readonly random: () => number;
}

/** Who asks, and the targets that its session has tried already (known by their slot). */
export interface PickRequest {
  readonly client: Client;
  readonly tried: readonly Target[];
}

/**
 * The answer of a pool: a target, or why there is none.
 *
 * `full`: untried targets are well, and each has all its sessions. `no_target`: no untried target is well.
 */
export type Picked =
  | { readonly kind: "target"; readonly target: Target }
  | { readonly kind: "none"; readonly reason: "no_target" | "full" };

interface Tier {
  readonly members: readonly Candidate[];
  readonly selector: Selector;
  /** Whether a target of the tier can be full. */
  readonly limited: boolean;
  /** The members that take sessions as of the epoch that was read last. */
  eligible: readonly Candidate[];
}

/**
 * One pool of one snapshot in one thread. What it counts is in shared memory, so that it may be replaced at any time; the
 * state of its targets is there too, and is read again when the pool's epoch has moved.
 */
export class Pool {
  readonly name: string;
  readonly #slot: number;
  readonly #shared: Shared;
  readonly #tiers: readonly Tier[];
  readonly #targetCount: number;
  #epoch: number | undefined;

  /** Throws RangeError for a slot that the shared memory does not have. */
  constructor(spec: PoolSpec, options: PoolOptions) {
    checkSlots(spec, options.shared);
    this.name = spec.name;
    this.#slot = spec.slot;
    this.#shared = options.shared;
    this.#targetCount = spec.targets.length;
    this.#tiers = tiersOf(spec, options);
  }

  /**
   * Selects a target without taking a permit: by the algorithm among the untried eligible targets of the lowest tier that
   * has any. Spends a turn in roundRobin, a tie in leastConnections.
   */
  pick({ client, tried }: PickRequest): Picked {
    this.#readStates();
    let reason: "no_target" | "full" = "no_target";
    for (const { eligible, limited, selector } of this.#tiers) {
      const untried = tried.length === 0
        ? eligible
        : eligible.filter(({ slot }) => !tried.some((other) => other.slot === slot));
      const candidates = limited ? untried.filter((target) => !this.#isFull(target)) : untried;
      if (candidates.length > 0) return { kind: "target", target: selector.select(candidates, client) };
      if (untried.length > 0) reason = "full";
    }
    return { kind: "none", reason };
  }

  /**
   * Selects a target and takes a permit for it, never above its `maxConnections` over all threads; the caller gives the
   * permit back with `release`.
   */
  take(request: PickRequest): Picked {
    // Another thread may fill the target between pick and acquire; the next pick then sees it full. The bound keeps
    // a storm of threads from holding this one.
    for (let attempt = 0; attempt <= this.#targetCount; attempt++) {
      const picked = this.pick(request);
      if (picked.kind === "none") return picked;
      if (this.#shared.permits.acquire(picked.target.slot, picked.target.maxConnections)) return picked;
    }
    return { kind: "none", reason: "full" };
  }

  /** Gives back the permit that `take` took, exactly once; throws when no permit is taken. */
  release(target: Target): void {
    this.#shared.permits.release(target.slot);
  }

  #isFull({ slot, maxConnections }: Target): boolean {
    return this.#shared.permits.taken(slot) >= maxConnections;
  }

  /** Reads the words of all targets where something has changed since the last pick; else costs one atomic load. */
  #readStates(): void {
    const epoch = this.#shared.pools.epoch(this.#slot);
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    const { targets } = this.#shared;
    for (const tier of this.#tiers) {
      const eligible: Candidate[] = [];
      for (const member of tier.members) {
        if (!takesSessions(targets.state(member.slot))) continue;
        member.weight = targets.weight(member.slot);
        if (member.weight > 0) eligible.push(member);
      }
      tier.eligible = eligible;
    }
  }
}

function checkSlots({ name, slot, targets }: PoolSpec, { pools, permits }: Shared): void {
  if (!pools.has(slot)) throw new RangeError(`pool ${name}: no shared memory for pool slot ${slot}`);
  const stray = targets.find((target) => !permits.has(target.slot));
  if (stray) {
    throw new RangeError(`target ${name}/${stray.name}: no shared memory for slot ${stray.slot}`);
  }
}

function tiersOf({ slot, algorithm, targets, tables }: PoolSpec, { shared, random }: PoolOptions): Tier[] {
  const members = targets.filter(({ weight }) => weight > 0).map((target): Candidate => ({ ...target }));
  const numbers = [...new Set(members.map(({ tier }) => tier))].sort((a, b) => a - b);
  return numbers.map((number) => {
    const inTier = members.filter(({ tier }) => tier === number);
    const table = tables.find(({ tier }) => tier === number);
    return {
      members: inTier,
      selector: algorithms[algorithm]({ poolSlot: slot, members: inTier, shared, random, table }),
      limited: inTier.some(({ maxConnections }) => maxConnections !== Infinity),
      eligible: [],
    };
  });
}
