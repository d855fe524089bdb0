import assert from "node:assert/strict";
import { drawByWeight } from "../../lib/pool/draw.ts";
import { pickFrom, poolOf, sharedState, tally, weighted } from "./pool_fixture.ts";

const draws = 60_000;

// Five standard deviations of a binomial count: a right share fails once in two million seeds, and the seed is fixed.
function assertShare(count: number, share: number): void {
  const bound = 5 * Math.sqrt(draws * share * (1 - share));
  assert.ok(
    Math.abs(count - draws * share) <= bound,
    `${count} of ${draws}, expected ${draws * share} ± ${bound}`,
  );
}

Deno.test("random gives each target its weight's share", () => {
  const counts = tally(poolOf("random", weighted(1, 2, 3)), draws);
  [1, 2, 3].forEach((weight, i) => assertShare(counts["abc"[i]!]!, weight / 6));
});

Deno.test("a draw at the very end of the range gives the last target", () => {
  assert.equal(drawByWeight(weighted(0.1, 0.2, 0.3), () => 1 - 2 ** -53).name, "c");
  assert.equal(drawByWeight(weighted(0.1, 0.2, 0.3), () => 1).name, "c");
});

Deno.test("powerOfTwo never picks the most loaded target of a pool", () => {
  const shared = sharedState();
  for (let slot = 0; slot < 4; slot++) {
    for (let i = 0; i <= slot; i++) shared.permits.acquire(slot, Infinity);
  }
  const counts = tally(poolOf("powerOfTwo", weighted(1, 1, 1, 1), { shared }), draws);
  assert.equal(counts["d"], undefined);
  // Of the six pairs three hold a, two more hold b without a, one c and d.
  assertShare(counts["a"]!, 3 / 6);
  assertShare(counts["b"]!, 2 / 6);
  assertShare(counts["c"]!, 1 / 6);
});

Deno.test("powerOfTwo gives idle targets of equal weight equal shares", () => {
  const counts = tally(poolOf("powerOfTwo", weighted(1, 1, 1, 1)), draws);
  for (const address of ["a", "b", "c", "d"]) assertShare(counts[address]!, 1 / 4);
});

Deno.test("powerOfTwo keeps open sessions within a few of each weight's share", () => {
  const shared = sharedState();
  const weights = [1, 1, 2, 4, 8];
  const pool = poolOf("powerOfTwo", weighted(...weights), { shared });
  for (let i = 0; i < 1600; i++) pool.take({ client: { remoteHost: "192.0.2.1" }, tried: [] });
  weights.forEach((weight, slot) => {
    const open = shared.permits.taken(slot);
    assert.ok(Math.abs(open - 100 * weight) <= 10 * weight, `weight ${weight}: ${open} open`);
  });
});

Deno.test("powerOfTwo picks the only candidate without a draw", () => {
  assert.equal(pickFrom(poolOf("powerOfTwo", weighted(3))), "a");
});
