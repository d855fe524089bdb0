import type { Shared } from "../shared/shared.ts";
import type { AlgorithmName } from "../values/words.ts";
import type { Client, Selector } from "./algorithm.ts";
import { algorithms } from "./algorithms.ts";
import type { MaglevTable } from "./maglev.ts";
import type { Candidate, Target } from "./target.ts";
import { takesSessions, takesTrial, takesWhenAllDown } from "./target_state.ts";

/** A pool as a snapshot has it; `slot` numbers its words in shared memory and stays with the name. */
export interface PoolSpec {
  readonly name: string;
  readonly slot: number;
  readonly algorithm: AlgorithmName;
  readonly targets: readonly Target[];
  /** The Maglev table of each tier, where the algorithm has them. */
  readonly tables: readonly TierTable[];
  /** How often a session tries to connect at most, and the pause before it asks a target again. */
  readonly retry: { readonly attempts: number; readonly pauseMs: number };
  /** How many clients may wait for a target, all threads together. */
  readonly queueSize: number;
  /** How long a client waits while no target is eligible; 0 = it is refused at once. */
  readonly holdMs: number;
  /** With every target down, all are tried the same. */
  readonly failOpen: boolean;
  /** So many failures in a row are reported to the control plane; Infinity = none. */
  readonly maxFailures: number;
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

/** Who asks, and the targets that its session has tried already, known by their slot. */
export interface PickRequest {
  readonly client: Client;
  readonly tried: readonly Pick<Target, "slot">[];
}

/**
 * The answer of a pool: a target, or why there is none.
 *
 * `trial`: it is ejected, and this session decides whether it comes back; the number of the trial, undefined where it is none.
 * `full`: untried targets are well, and each has all its sessions, or its trial. `tried`: targets are well, and this session has tried each. `no_target`: no target is well.
 */
export type Picked =
  | { readonly kind: "target"; readonly target: Candidate; readonly trial: number | undefined }
  | { readonly kind: "none"; readonly reason: "no_target" | "tried" | "full" };

interface Tier {
  readonly members: readonly Candidate[];
  readonly selector: Selector;
  /** Whether a target of the tier can be full. */
  readonly limited: boolean;
  /** The members that take sessions as of the epoch that was read last. */
  eligible: readonly Candidate[];
  /** Those that take one session each, as a trial. */
  trials: readonly Candidate[];
}

/**
 * One pool of one snapshot in one thread. What it counts is in shared memory, so that it may be replaced at any time; the
 * state of its targets is there too, and is read again when the pool's epoch has moved.
 */
export class Pool {
  readonly name: string;
  readonly retry: PoolSpec["retry"];
  readonly queueSize: number;
  readonly holdMs: number;
  readonly #slot: number;
  readonly #shared: Shared;
  readonly #tiers: readonly Tier[];
  readonly #targetCount: number;
  readonly #failsOpen: boolean;
  /** Whether any target takes sessions, full or not, and whether any is on trial, as of the epoch that was read last. */
  #hasEligible = false;
  #hasTrials = false;
  #epoch: number | undefined;

  /** Throws RangeError for a slot that the shared memory does not have. */
  constructor(spec: PoolSpec, options: PoolOptions) {
    checkSlots(spec, options.shared);
    this.name = spec.name;
    this.retry = spec.retry;
    this.queueSize = spec.queueSize;
    this.holdMs = spec.holdMs;
    this.#slot = spec.slot;
    this.#shared = options.shared;
    this.#targetCount = spec.targets.length;
    this.#failsOpen = spec.failOpen;
    this.#tiers = tiersOf(spec, options);
  }

  /**
   * Selects a target without taking a permit: by the algorithm among the untried eligible targets of the lowest tier that
   * has any. Spends a turn in roundRobin, a tie in leastConnections.
   */
  pick({ client, tried }: PickRequest): Picked {
    this.#readStates();
    let reason: "no_target" | "tried" | "full" = "no_target";
    const isUntried = tried.length === 0
      ? always
      : ({ slot }: Candidate) => !tried.some((other) => other.slot === slot);
    for (const { eligible, trials, limited, selector } of this.#tiers) {
      if (eligible.length + trials.length > 0 && reason === "no_target") reason = "tried";
      const untried = tried.length === 0 ? eligible : eligible.filter(isUntried);
      const candidates = limited ? untried.filter((target) => !this.#isFull(target)) : untried;
      if (candidates.length > 0) {
        return { kind: "target", target: selector.select(candidates, client), trial: undefined };
      }
      // Of a target on trial another session has all there is to be had.
      if (untried.length > 0 || trials.some(isUntried)) reason = "full";
    }
    return { kind: "none", reason };
  }

  /**
   * Selects a target and takes a permit for it, never above its limit over all threads; the caller gives the permit back with
   * `release`, and the trial with `TargetWords.setTrial`.
   */
  take(request: PickRequest): Picked {
    const trial = this.#takeTrial(request);
    if (trial !== undefined) return trial;
    // Another thread may fill the target between pick and acquire; the next pick then sees it full. The bound keeps
    // a storm of threads from holding this one.
    for (let attempt = 0; attempt <= this.#targetCount; attempt++) {
      const picked = this.pick(request);
      if (picked.kind === "none") return picked;
      const { slot, limit } = picked.target;
      if (this.#shared.permits.acquire(slot, limit)) return picked;
    }
    return { kind: "none", reason: "full" };
  }

  /** Gives back the permit that `take` took, exactly once; throws when no permit is taken. */
  release(target: Target): void {
    this.#shared.permits.release(target.slot);
  }

  /** Whether any target takes sessions, full or not. */
  get hasEligible(): boolean {
    this.#readStates();
    return this.#hasEligible;
  }

  /** How many targets take sessions; one that starts slowly counts for the share that it takes. */
  get eligibleShare(): number {
    this.#readStates();
    const { targets } = this.#shared;
    return this.#tiers.reduce(
      (sum, { eligible }) => sum + eligible.reduce((sum, { slot }) => sum + targets.share(slot), 0),
      0,
    );
  }

  /** The trial of a target, in the lowest tier that has an eligible target or a trial; with its permit. */
  #takeTrial({ tried }: PickRequest): Extract<Picked, { kind: "target" }> | undefined {
    this.#readStates();
    if (!this.#hasTrials) return undefined;
    for (const { eligible, trials } of this.#tiers) {
      for (const target of trials) {
        if (tried.some(({ slot }) => slot === target.slot)) continue;
        const { permits, targets } = this.#shared;
        const trial = targets.takeTrial(target.slot);
        if (trial === undefined) continue;
        if (permits.acquire(target.slot, target.limit)) return { kind: "target", target, trial };
        targets.setTrial(target.slot, trial, "free");
      }
      if (eligible.length > 0) return undefined;
    }
    return undefined;
  }

  #isFull({ slot, limit }: Candidate): boolean {
    return this.#shared.permits.taken(slot) >= limit;
  }

  /** Reads the words of all targets where something has changed since the last pick; else costs one atomic load. */
  #readStates(): void {
    const epoch = this.#shared.pools.epoch(this.#slot);
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    for (const tier of this.#tiers) this.#readTier(tier);
    this.#hasTrials = this.#tiers.some(({ trials }) => trials.length > 0);
    this.#hasEligible = this.#hasTrials || this.#tiers.some(({ eligible }) => eligible.length > 0);
    if (!this.#failsOpen || this.#hasEligible) return;
    for (const tier of this.#tiers) {
      tier.eligible = tier.members.filter(({ slot, weight }) =>
        weight > 0 && takesWhenAllDown(this.#shared.targets.state(slot))
      );
    }
    this.#hasEligible = this.#tiers.some(({ eligible }) => eligible.length > 0);
  }

  /** Takes over what is in force for the members of a tier, and sorts them by what they take. */
  #readTier(tier: Tier): void {
    const { targets } = this.#shared;
    const eligible: Candidate[] = [];
    const trials: Candidate[] = [];
    for (const member of tier.members) {
      const { slot, maxConnections } = member;
      const state = targets.state(slot);
      member.weight = targets.weight(slot);
      // Rounded up: a target that takes no session at all would never be seen to work.
      member.limit = maxConnections === Infinity ? Infinity : Math.ceil(maxConnections * targets.share(slot));
      if (member.weight === 0) continue;
      if (takesSessions(state)) eligible.push(member);
      else if (takesTrial(state)) trials.push(member);
    }
    tier.eligible = eligible;
    tier.trials = trials;
  }
}

function always(): boolean {
  return true;
}

function checkSlots({ name, slot, targets }: PoolSpec, { pools, permits }: Shared): void {
  if (!pools.has(slot)) throw new RangeError(`pool ${name}: no shared memory for pool slot ${slot}`);
  const stray = targets.find((target) => !permits.has(target.slot));
  if (stray) {
    throw new RangeError(`target ${name}/${stray.name}: no shared memory for slot ${stray.slot}`);
  }
}

function tiersOf({ slot, algorithm, targets, tables }: PoolSpec, { shared, random }: PoolOptions): Tier[] {
  const members = targets.filter(({ weight }) => weight > 0).map((target): Candidate => ({
    ...target,
    limit: target.maxConnections,
  }));
  const numbers = [...new Set(members.map(({ tier }) => tier))].sort((a, b) => a - b);
  return numbers.map((number) => {
    const inTier = members.filter(({ tier }) => tier === number);
    const table = tables.find(({ tier }) => tier === number);
    return {
      members: inTier,
      selector: algorithms[algorithm]({ poolSlot: slot, members: inTier, shared, random, table }),
      limited: inTier.some(({ maxConnections }) => maxConnections !== Infinity),
      eligible: [],
      trials: [],
    };
  });
}
