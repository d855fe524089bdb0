import assert from "node:assert/strict";
import fc from "fast-check";
import { sharedViews } from "../../lib/shared/shared.ts";
import {
  pickFrom,
  picks,
  poolOf,
  seededRandom,
  sharedMemory,
  sharedState,
  tally,
  target,
  type TestTarget,
  weighted,
} from "./pool_fixture.ts";

Deno.test("roundRobin deals weights 5, 1, 1 as a a b a c a a", () => {
  assert.equal(picks(poolOf("roundRobin", weighted(5, 1, 1)), 14), "aabacaaaabacaa");
});

Deno.test("roundRobin deals equal weights in list order", () => {
  assert.equal(picks(poolOf("roundRobin", weighted(1, 1, 1)), 7), "abcabca");
});

Deno.test("roundRobin deals fractional weights by their proportion", () => {
  assert.equal(picks(poolOf("roundRobin", weighted(0.5, 0.1, 0.1)), 7).split("").sort().join(""), "aaaaabc");
});

Deno.test("roundRobin gives exact shares over whole rounds, whatever the weights", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(weights, (weights) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const counts = tally(poolOf("roundRobin", weighted(...weights)), 2 * total);
      weighted(...weights).forEach(({ name, weight }) => assert.equal(counts[name], 2 * weight));
    }),
    { seed: 7, numRuns: 200 },
  );
});

Deno.test("roundRobin goes on where it was when a reload brings the same targets in another order", () => {
  const shared = sharedState();
  const [a, b, c] = weighted(5, 1, 1) as [TestTarget, TestTarget, TestTarget];
  const before = picks(poolOf("roundRobin", [a, b, c], { shared }), 3);
  const after = picks(poolOf("roundRobin", [a, c, b], { shared }), 4);
  assert.equal(before + after, "aabacaa");
});

Deno.test("two pools over one shared memory keep their own turns", () => {
  const shared = sharedState();
  const one = poolOf("roundRobin", [target("a", 0), target("b", 1)], { shared });
  const other = poolOf("roundRobin", [target("c", 2), target("d", 3)], { shared });
  assert.equal(pickFrom(one) + pickFrom(other) + pickFrom(one) + pickFrom(other), "acbd");
});

Deno.test("roundRobin gives a returning target no burst and no long wait, however often it flaps", () => {
  const shared = sharedState();
  const random = seededRandom(3);
  const targets = weighted(1, 1, 1, 1);
  const without = targets.map((target) => target.name === "a" ? { ...target, serving: false } : target);
  for (let flap = 0; flap < 500; flap++) {
    picks(poolOf("roundRobin", without, { shared }), Math.floor(random() * 40));
    const back = tally(poolOf("roundRobin", targets, { shared }), 40)["a"] ?? 0;
    assert.ok(back >= 8 && back <= 12, `flap ${flap}: ${back} of 40 turns instead of 10`);
    picks(poolOf("roundRobin", targets, { shared }), Math.floor(random() * 7));
  }
});

Deno.test("roundRobin keeps the shares of targets that stay while another one flaps all the time", () => {
  const shared = sharedState();
  const targets = weighted(2, 1, 1);
  const without = targets.map((target) => target.name === "a" ? { ...target, serving: false } : target);
  let row = "";
  for (let flap = 0; flap < 1000; flap++) {
    row += picks(poolOf("roundRobin", flap % 2 ? targets : without, { shared }), 3);
  }
  const count = (address: string) => row.split(address).length - 1;
  assert.ok(Math.abs(count("b") - count("c")) <= 2, `${count("b")} and ${count("c")}`);
  assert.ok(Math.abs(count("a") - 750) <= 4, `${count("a")} of 1,500 turns it took part in`);
});

Deno.test("roundRobin takes new weights at once, with at most two turns left over from the old ones", () => {
  const shared = sharedState();
  picks(poolOf("roundRobin", weighted(1000, 1), { shared }), 500);
  const counts = tally(poolOf("roundRobin", weighted(1, 1), { shared }), 100);
  assert.ok(Math.abs(counts["a"]! - 50) <= 2, `${counts["a"]} of 100`);
});

Deno.test("roundRobin recovers from any content of the running weights, the ends of 32 bits included", () => {
  const memory = sharedMemory();
  memory.runningWeights.set([2 ** 31 - 1, 2 ** 31 - 1, -(2 ** 31)]);
  const pool = poolOf("roundRobin", weighted(1, 1, 1), { shared: sharedViews(memory) });
  const counts = tally(pool, 300);
  for (const address of ["a", "b", "c"]) {
    assert.ok(Math.abs(counts[address]! - 100) <= 4, JSON.stringify(counts));
  }
});

Deno.test("roundRobin takes the largest weights there are", () => {
  const counts = tally(poolOf("roundRobin", weighted(32_000, 16_000, 16_000)), 400);
  assert.deepEqual(counts, { a: 200, b: 100, c: 100 });
});

Deno.test("roundRobin goes on sharing by weight when one target refuses and every session is retried", () => {
  const [a, b, c] = weighted(1, 1, 1) as [TestTarget, TestTarget, TestTarget];
  const pool = poolOf("roundRobin", [a, b, c]);
  const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let session = 0; session < 300; session++) {
    let address = pickFrom(pool);
    counts[address]!++;
    if (address !== "a") continue;
    address = pickFrom(pool, "192.0.2.1", [a]);
    counts[address]!++;
  }
  assert.ok(
    Math.abs(counts["a"]! - 100) <= 2 && Math.abs(counts["b"]! - counts["c"]!) <= 2,
    JSON.stringify(counts),
  );
});

Deno.test("roundRobin has a returning target at most a few turns ahead of its share or behind it, whatever it kept", () => {
  // The ends of what a running weight can be: 32 turns.
  for (const [kept, atLeast, atMost] of [[2 ** 31 - 1, 1, 8], [-(2 ** 31), 0, 3]] as const) {
    const memory = sharedMemory();
    memory.runningWeights[9] = kept;
    const targets = Array.from("abcdefghij", (name, slot) => target(name, slot));
    const pool = poolOf("roundRobin", targets, { shared: sharedViews(memory) });
    const first = tally(pool, 20)["j"] ?? 0;
    assert.ok(first >= atLeast && first <= atMost, `${first} of the first 20`);
    // A share of 1 in 10, less or more what it was behind or ahead.
    const next = tally(pool, 100)["j"] ?? 0;
    assert.ok(Math.abs(next - 10) <= 5, `${next} of the next 100`);
  }
});
