import type { AlgorithmName } from "../../lib/values/words.ts";
import { buildMaglev } from "../../lib/pool/maglev.ts";
import { Pool, type PoolSpec } from "../../lib/pool/pool.ts";
import type { Target } from "../../lib/pool/target.ts";
import { stateBits } from "../../lib/pool/target_state.ts";
import { allocateMemory, type SharedMemory } from "../../lib/shared/layout.ts";
import { type Shared, sharedViews } from "../../lib/shared/shared.ts";
import { poolSettings } from "../support/pool_settings.ts";

/** No pool connects to its targets. */
const nowhere = { kind: "tcp", host: "192.0.2.1", port: 1 } as const;

/** A target, and whether the control plane has it up. */
export interface TestTarget extends Target {
  readonly serving: boolean;
}

/** A target of weight 1 without limit in tier 0 that is up, except for what `traits` says. */
export function target(name: string, slot: number, traits: Partial<TestTarget> = {}): TestTarget {
  return {
    name,
    addresses: [nowhere],
    slot,
    weight: 1,
    maxConnections: Infinity,
    tier: 0,
    serving: true,
    ...traits,
  };
}

/** Targets a, b, c ... of these weights, with slots in their order. */
export function weighted(...weights: number[]): TestTarget[] {
  return weights.map((weight, slot) => target(String.fromCharCode(97 + slot), slot, { weight }));
}

/** Shared memory of its own for up to 256 target slots and 4 pool slots. */
export function sharedMemory(): SharedMemory {
  return allocateMemory(1, { slots: 256, pools: 4 });
}

/** Views of a shared memory of its own. */
export function sharedState(): Shared {
  return sharedViews(sharedMemory());
}

/** The pool in slot 0 over these targets as a snapshot has it. */
export function specOf(algorithm: AlgorithmName, targets: readonly Target[]): PoolSpec {
  const tiers = algorithm === "sourceHash" ? [...new Set(targets.map(({ tier }) => tier))] : [];
  const tables = tiers.flatMap((tier) => {
    const members = targets.filter((target) => target.tier === tier && target.weight > 0);
    return members.length === 0 ? [] : [{ tier, ...buildMaglev(members) }];
  });
  return { name: "app", slot: 0, algorithm, targets, ...poolSettings, tables };
}

/** Writes the state of targets of the pool in slot 0, as the control plane does. */
export function writeStates({ targets: words, pools }: Shared, targets: readonly TestTarget[]): void {
  for (const { slot, serving, weight } of targets) {
    words.set(slot, { state: serving ? stateBits.up : 0, weight });
  }
  pools.advanceEpoch(0);
}

/** A pool in slot 0 over these targets, with a seeded random. */
export function poolOf(
  algorithm: AlgorithmName,
  targets: readonly TestTarget[],
  { shared = sharedState() }: { shared?: Shared } = {},
): Pool {
  writeStates(shared, targets);
  return new Pool(specOf(algorithm, targets), { shared, random: seededRandom(1) });
}

/** The name that the pool picks, or the reason why none. */
export function pickFrom(pool: Pool, client = "192.0.2.1", tried: readonly Target[] = []): string {
  const picked = pool.pick({ client: { remoteHost: client }, tried });
  return picked.kind === "target" ? picked.target.name : picked.reason;
}

/** The next picks in a row, as one word. */
export function picks(pool: Pool, count: number): string {
  return Array.from({ length: count }, () => pickFrom(pool)).join("");
}

/** How often each name comes in `count` picks. */
export function tally(pool: Pool, count: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = pickFrom(pool);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Numbers 0 <= x < 1 that are the same in every run: mulberry32 (Tommy Ettinger, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
