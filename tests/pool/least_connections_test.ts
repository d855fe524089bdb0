import assert from "node:assert/strict";
import { pickFrom, picks, poolOf, sharedState, tally, target, weighted } from "./pool_fixture.ts";

Deno.test("leastConnections picks the target with the fewest open sessions", () => {
  const shared = sharedState();
  for (const slot of [0, 0, 1, 2, 2, 2]) shared.permits.acquire(slot, Infinity);
  assert.equal(pickFrom(poolOf("leastConnections", weighted(1, 1, 1), { shared })), "b");
});

Deno.test("leastConnections fills targets in proportion to their weight", () => {
  const shared = sharedState();
  const pool = poolOf("leastConnections", weighted(1, 2, 5), { shared });
  for (let i = 0; i < 80; i++) pool.take({ client: { remoteHost: "192.0.2.1" }, tried: [] });
  assert.deepEqual([0, 1, 2].map((slot) => shared.permits.taken(slot)), [10, 20, 50]);
});

Deno.test("leastConnections gives ties one after the other to all that are tied", () => {
  assert.deepEqual(tally(poolOf("leastConnections", weighted(1, 1, 1, 1)), 400), {
    a: 100,
    b: 100,
    c: 100,
    d: 100,
  });
});

Deno.test("leastConnections gives ties evenly to a tied few, not more to the one after a gap", () => {
  const shared = sharedState();
  for (const slot of [1, 2]) shared.permits.acquire(slot, Infinity);
  assert.equal(picks(poolOf("leastConnections", weighted(1, 1, 1, 1), { shared }), 6), "adadad");
});

Deno.test("leastConnections goes on with its ties in the next snapshot, whatever its list order", () => {
  const shared = sharedState();
  const [a, b, c] = [target("a", 0), target("b", 1), target("c", 2)];
  assert.equal(picks(poolOf("leastConnections", [a, b, c], { shared }), 2), "ab");
  assert.equal(picks(poolOf("leastConnections", [c, b, a], { shared }), 2), "ca");
});

Deno.test("leastConnections prefers the heavier of two idle targets", () => {
  assert.equal(picks(poolOf("leastConnections", weighted(1, 2)), 3), "bbb");
});
