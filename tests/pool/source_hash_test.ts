import assert from "node:assert/strict";
import { Pool } from "../../lib/pool/pool.ts";
import {
  pickFrom,
  poolOf,
  sharedState,
  target,
  type TestTarget,
  weighted,
  writeStates,
} from "./pool_fixture.ts";
import { poolSettings } from "../support/pool_settings.ts";

const clients = Array.from({ length: 20_000 }, (_, i) => `10.${i % 7}.${i >> 8}.${i & 255}`);

function fleet(count: number, traits: (index: number) => Partial<TestTarget> = () => ({})): TestTarget[] {
  return Array.from({ length: count }, (_, i) => target(`10.0.0.${i}:8080`, i, traits(i)));
}

function homes(pool: Pool): string[] {
  return clients.map((client) => pickFrom(pool, client));
}

Deno.test("sourceHash sends a client to one target, whatever the list order", () => {
  const targets = fleet(10);
  assert.deepEqual(homes(poolOf("sourceHash", targets)), homes(poolOf("sourceHash", targets.toReversed())));
});

Deno.test("sourceHash gives each target its weight's share of the clients", () => {
  const counts = { a: 0, b: 0 };
  for (const home of homes(poolOf("sourceHash", weighted(1, 2)))) counts[home as "a" | "b"]++;
  assert.ok(
    Math.abs(counts.a - clients.length / 3) < 5 * Math.sqrt(clients.length * 2 / 9),
    JSON.stringify(counts),
  );
});

Deno.test("sourceHash moves only the clients of a target that goes, to all others evenly, and brings all back", () => {
  const shared = sharedState();
  const pool = poolOf("sourceHash", fleet(10), { shared });
  const before = homes(pool);
  writeStates(shared, fleet(10, (i) => ({ serving: i !== 3 })));
  const during = homes(pool);
  const heirs: Record<string, number> = {};
  during.forEach((home, i) => {
    if (before[i] === "10.0.0.3:8080") heirs[home] = (heirs[home] ?? 0) + 1;
    else assert.equal(home, before[i]);
  });
  assert.equal(Object.keys(heirs).length, 9);
  const moved = Object.values(heirs).reduce((sum, count) => sum + count, 0);
  for (const count of Object.values(heirs)) {
    assert.ok(Math.abs(count - moved / 9) < 5 * Math.sqrt(moved / 9), JSON.stringify(heirs));
  }
  writeStates(shared, fleet(10));
  assert.deepEqual(homes(pool), before);
});

Deno.test("sourceHash keeps its promise for the last few of many targets, where the row of entries runs out", () => {
  const count = 200;
  const few = [5, 77, 150];
  const left = (serving: readonly number[]) =>
    homes(poolOf("sourceHash", fleet(count, (i) => ({ serving: serving.includes(i) }))));
  const before = left(few);
  const after = left([5, 150]);
  const shares: Record<string, number> = {};
  before.forEach((home, i) => {
    shares[home] = (shares[home] ?? 0) + 1;
    if (home !== "10.0.0.77:8080") assert.equal(after[i], home);
  });
  const third = clients.length / 3;
  for (const share of Object.values(shares)) {
    assert.ok(Math.abs(share - third) < 5 * Math.sqrt(third * 2 / 3), JSON.stringify(shares));
  }
});

Deno.test("sourceHash passes a full target's clients on and takes them back", () => {
  const [a, b] = [target("a", 0, { maxConnections: 1 }), target("b", 1)];
  const pool = poolOf("sourceHash", [a, b]);
  const client = clients.find((client) => pickFrom(pool, client) === "a")!;
  pool.take({ client: { remoteHost: client }, tried: [] });
  assert.equal(pickFrom(pool, client), "b");
  pool.release(a);
  assert.equal(pickFrom(pool, client), "a");
});

Deno.test("sourceHash keeps its clients' homes when a tier before it fails and comes back", () => {
  const targets = (serving: boolean) => fleet(6, (i) => i < 3 ? { serving } : { tier: 1 });
  const shared = sharedState();
  const pool = poolOf("sourceHash", targets(true), { shared });
  const before = homes(pool);
  writeStates(shared, targets(false));
  assert.ok(homes(pool).every((home) => Number(home.split(/[.:]/)[3]) >= 3));
  writeStates(shared, targets(true));
  assert.deepEqual(homes(pool), before);
});

Deno.test("sourceHash moves few clients besides a removed target's own", () => {
  const before = homes(poolOf("sourceHash", fleet(10)));
  const after = homes(poolOf("sourceHash", fleet(10).filter(({ slot }) => slot !== 3)));
  const moved = before.filter((home, i) => home !== "10.0.0.3:8080" && home !== after[i]).length;
  assert.ok(moved <= clients.length / 100, `${moved} of ${clients.length}`);
});

Deno.test("a tier of sourceHash without its table is refused when the pool is made", () => {
  const shared = sharedState();
  const spec = {
    name: "app",
    slot: 0,
    algorithm: "sourceHash",
    targets: fleet(2),
    ...poolSettings,
  } as const;
  assert.throws(() => new Pool(spec, { shared, random: Math.random }), /no Maglev table/);
});
