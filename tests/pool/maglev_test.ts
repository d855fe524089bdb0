import assert from "node:assert/strict";
import fc from "fast-check";
import { hash32, mix32 } from "../../lib/pool/hash.ts";
import { buildMaglev, type MaglevMember, maglevSize } from "../../lib/pool/maglev.ts";
import { WeightedSequence } from "../../lib/pool/weighted_sequence.ts";

function shares(members: readonly MaglevMember[]): number[] {
  const counts = members.map(() => 0);
  for (const entry of buildMaglev(members).entries) counts[entry]!++;
  return counts;
}

function member(name: string, weight: number): MaglevMember {
  return { name, slot: name.charCodeAt(0), weight };
}

function membersOf(count: number): MaglevMember[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `10.0.0.${String(i).padStart(3, "0")}:8080`,
    slot: i,
    weight: 1,
  }));
}

Deno.test("the hash is FNV-1a with the finalizer of MurmurHash3", () => {
  // fmix32 of 1 and the FNV-1a values of "a" and "foobar", as published.
  assert.equal(mix32(1), 0x514e28b7);
  assert.equal(hash32("a"), mix32(0xe40c292c));
  assert.equal(hash32("foobar"), mix32(0xbf9cf968));
});

Deno.test("the hash spreads neighbouring addresses evenly over the entries", () => {
  const buckets = new Array<number>(64).fill(0);
  for (let i = 0; i < 65536; i++) {
    buckets[Math.floor((hash32(`10.1.${i >> 8}.${i & 255}`) % maglevSize) / 1024.02)]!++;
  }
  // Chi-squared with 63 degrees of freedom: above 124 in one of 200,000 good hashes.
  const chiSquared = buckets.reduce((sum, count) => sum + (count - 1024) ** 2 / 1024, 0);
  assert.ok(chiSquared < 124, `chi-squared ${chiSquared}`);
});

Deno.test("weights 1 and 2 take 21,846 and 43,691 entries, in either order", () => {
  assert.deepEqual(shares([member("a", 1), member("b", 2)]), [21_846, 43_691]);
  assert.deepEqual(shares([member("a", 2), member("b", 1)]), [43_691, 21_846]);
});

Deno.test("equal weights take entries that differ by at most one", () => {
  for (const count of [1, 3, 7, 200]) {
    const counts = shares(membersOf(count));
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${count} members`);
  }
});

Deno.test("a sequence deals weights 1 and 2 as b a b", () => {
  const sequence = new WeightedSequence([1, 2]);
  assert.deepEqual(Array.from({ length: 6 }, () => sequence.next()), [1, 0, 1, 1, 0, 1]);
});

Deno.test("a sequence is dealt as a plain search for the earliest would deal them", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(weights, (weights) => {
      const sequence = new WeightedSequence(weights);
      const taken = weights.map(() => 0);
      for (let i = 0; i < 100; i++) {
        const due = weights.map((weight, index) => (taken[index]! + 0.5) / weight);
        const earliest = due.indexOf(Math.min(...due));
        assert.equal(sequence.next(), earliest);
        taken[earliest]!++;
      }
    }),
    { seed: 11, numRuns: 200 },
  );
});

Deno.test("a member removed from the set moves hardly any entry of the others", () => {
  for (const count of [2, 3, 10, 50, 200]) {
    const members = membersOf(count);
    const rest = members.filter((_, index) => index !== 1);
    const before = buildMaglev(members).entries;
    const after = buildMaglev(rest).entries;
    const moved = before.filter((member, entry) =>
      member !== 1 && members[member] !== rest[after[entry]!]
    ).length;
    assert.ok(moved <= maglevSize / 100, `${count} members: ${moved} entries moved besides its own`);
  }
});
