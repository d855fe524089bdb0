import type { AlgorithmName } from "../../lib/values/words.ts";
import { Pool } from "../../lib/pool/pool.ts";
import { allocatePoolMemory, SharedPoolState } from "../../lib/pool/shared.ts";
import type { Target } from "../../lib/pool/target.ts";

/** No pool connects to its targets. */
const nowhere = { kind: "tcp", host: "192.0.2.1", port: 1 } as const;

/** A target of weight 1 without limit in tier 0 that serves, except for what `traits` says. */
export function target(address: string, slot: number, traits: Partial<Target> = {}): Target {
  return {
    address,
    socketAddress: nowhere,
    slot,
    weight: 1,
    maxConnections: Infinity,
    tier: 0,
    serving: true,
    ...traits,
  };
}

/** Targets a, b, c ... of these weights, with slots in their order. */
export function weighted(...weights: number[]): Target[] {
  return weights.map((weight, slot) => target(String.fromCharCode(97 + slot), slot, { weight }));
}

/** Shared memory of its own for up to 256 target slots and 4 pool slots. */
export function sharedState(): SharedPoolState {
  return new SharedPoolState(allocatePoolMemory({ targets: 256, pools: 4 }));
}

/** A pool in slot 0 over these targets, with a seeded random. */
export function poolOf(
  algorithm: AlgorithmName,
  targets: readonly Target[],
  { shared = sharedState(), previous }: { shared?: SharedPoolState; previous?: Pool } = {},
): Pool {
  return new Pool({ name: "app", slot: 0, algorithm, targets }, {
    shared,
    random: seededRandom(1),
    previous,
  });
}

/** The address that the pool picks, or the reason why none. */
export function pickFrom(pool: Pool, client = "192.0.2.1", tried: readonly Target[] = []): string {
  const picked = pool.pick({ client: { remoteHost: client }, tried });
  return picked.kind === "target" ? picked.target.address : picked.reason;
}

/** The next picks in a row, as one word. */
export function picks(pool: Pool, count: number): string {
  return Array.from({ length: count }, () => pickFrom(pool)).join("");
}

/** How often each address comes in `count` picks. */
export function tally(pool: Pool, count: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const address = pickFrom(pool);
    counts[address] = (counts[address] ?? 0) + 1;
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
