import assert from "node:assert/strict";
import { Pool } from "../../lib/pool/pool.ts";
import {
  pickFrom,
  picks,
  poolOf,
  sharedState,
  target,
  type TestTarget,
  weighted,
  writeStates,
} from "./pool_fixture.ts";
import { poolSettings } from "../support/pool_settings.ts";

Deno.test("a pool without targets has no target", () => {
  assert.equal(pickFrom(poolOf("roundRobin", [])), "no_target");
});

Deno.test("first stays with the first target in the list while it is eligible", () => {
  const [a, b] = weighted(1, 9) as [TestTarget, TestTarget];
  assert.equal(picks(poolOf("first", [a, b]), 3), "aaa");
  assert.equal(picks(poolOf("first", [b, a]), 3), "bbb");
  assert.equal(picks(poolOf("first", [{ ...a, serving: false }, b]), 3), "bbb");
});

Deno.test("first goes on to the next target when one is full, and returns", () => {
  const a = target("a", 0, { maxConnections: 1 });
  const pool = poolOf("first", [a, target("b", 1)]);
  assert.equal(pool.take({ client: { remoteHost: "192.0.2.1" }, tried: [] }).kind, "target");
  assert.equal(pickFrom(pool), "b");
  pool.release(a);
  assert.equal(pickFrom(pool), "a");
});

Deno.test("a later tier serves when the tier before it is down, of weight 0, full or tried", () => {
  const backup = target("b", 1, { tier: 1 });
  assert.equal(pickFrom(poolOf("roundRobin", [backup, target("a", 0)])), "a");
  assert.equal(pickFrom(poolOf("roundRobin", [backup, target("a", 0, { serving: false })])), "b");
  assert.equal(pickFrom(poolOf("roundRobin", [backup, target("a", 0, { weight: 0 })])), "b");
  assert.equal(pickFrom(poolOf("roundRobin", [backup, target("a", 0, { maxConnections: 0 })])), "b");
  const a = target("a", 0);
  assert.equal(pickFrom(poolOf("roundRobin", [backup, a]), "192.0.2.1", [a]), "b");
});

Deno.test("a pool is full, not without target, while any untried target would serve", () => {
  const a = target("a", 0, { maxConnections: 0 });
  const down = target("b", 1, { serving: false });
  assert.equal(pickFrom(poolOf("roundRobin", [a, down])), "full");
  assert.equal(pickFrom(poolOf("roundRobin", [a, down]), "192.0.2.1", [a]), "tried");
});

Deno.test("a pool whose eligible targets were all tried says so, and one that has none has no target", () => {
  const [a, b] = weighted(1, 1) as [TestTarget, TestTarget];
  assert.equal(pickFrom(poolOf("roundRobin", [a, b]), "192.0.2.1", [a, b]), "tried");
  const down = [a, b].map((target) => ({ ...target, serving: false }));
  assert.equal(pickFrom(poolOf("roundRobin", down), "192.0.2.1", [a]), "no_target");
});

Deno.test("a tried target is known by its slot, so it stays tried in the next snapshot", () => {
  const a = target("a", 0);
  const reloaded = poolOf("first", [{ ...a, weight: 2 }, target("b", 1)]);
  assert.equal(pickFrom(reloaded, "192.0.2.1", [a]), "b");
});

Deno.test("a permit released twice is an error and leaves the count at zero", () => {
  const a = target("a", 0);
  const shared = sharedState();
  const pool = poolOf("first", [a], { shared });
  pool.take({ client: { remoteHost: "192.0.2.1" }, tried: [] });
  pool.release(a);
  assert.throws(() => pool.release(a), /slot 0/);
  assert.equal(shared.permits.taken(0), 0);
});

Deno.test("a slot outside of shared memory is refused when the pool is made", () => {
  const options = { shared: sharedState(), random: Math.random };
  const spec = {
    name: "app",
    slot: 0,
    algorithm: "first",
    targets: [],
    ...poolSettings,
  } as const;
  assert.throws(() => new Pool({ ...spec, slot: 4 }, options), RangeError);
  assert.throws(() => new Pool({ ...spec, targets: [target("a", 256)] }, options), RangeError);
  assert.throws(() => new Pool({ ...spec, targets: [target("a", -1)] }, options), RangeError);
});

Deno.test("a pick sees at once what the control plane has written, and reads nothing while nothing is written", () => {
  const shared = sharedState();
  const targets = weighted(1, 1, 1);
  let reads = 0;
  const counted = {
    ...shared,
    targets: Object.assign(Object.create(shared.targets), {
      state: (slot: number) => (reads++, shared.targets.state(slot)),
      weight: (slot: number) => shared.targets.weight(slot),
      share: (slot: number) => shared.targets.share(slot),
      set: shared.targets.set.bind(shared.targets),
    }),
  };
  const pool = poolOf("first", targets, { shared: counted });
  assert.equal(picks(pool, 5), "aaaaa");
  assert.equal(reads, 3);
  writeStates(shared, targets.map((target) => ({ ...target, serving: target.name !== "a" })));
  assert.equal(picks(pool, 5), "bbbbb");
  assert.equal(reads, 6);
});

Deno.test("a target whose words were never written, or whose weight in force is 0, gets no session", () => {
  const shared = sharedState();
  const [a, b] = weighted(1, 1) as [TestTarget, TestTarget];
  const pool = poolOf("first", [a, b], { shared });
  shared.targets.clear(0);
  shared.pools.advanceEpoch(0);
  assert.equal(pickFrom(pool), "b");
  shared.targets.set(1, { state: 1, weight: 0 });
  shared.pools.advanceEpoch(0);
  assert.equal(pickFrom(pool), "no_target");
});

Deno.test("a weight in force takes the place of the configured one", () => {
  const shared = sharedState();
  const [a, b] = weighted(1, 1) as [TestTarget, TestTarget];
  const pool = poolOf("roundRobin", [a, b], { shared });
  writeStates(shared, [{ ...a, weight: 3 }, b]);
  assert.equal(picks(pool, 8).split("a").length - 1, 6);
});
