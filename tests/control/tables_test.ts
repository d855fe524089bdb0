import assert from "node:assert/strict";
import type { Model } from "../../lib/control/model.ts";
import { MaglevTables } from "../../lib/control/tables.ts";
import { buildMaglev } from "../../lib/pool/maglev.ts";
import { modelFrom, textOf } from "./model_world.ts";

/** A pool of sourceHash with these targets. */
function model(targets: readonly string[], algorithm = "sourceHash"): Model {
  return modelFrom(textOf({ pools: `app: { algorithm: ${algorithm}, targets: [${targets.join(", ")}] }` }));
}

const three = [`"10.0.0.1:1"`, `{ address: "10.0.0.2:1", weight: 3 }`, `"10.0.0.3:1"`];

/** Slots that are no positions. */
function slotOf(key: string): number {
  return 100 + Number(/10\.0\.0\.(\d+)/.exec(key)?.[1]);
}

async function built(tables: MaglevTables, { pools }: Model) {
  await tables.build(pools);
  return tables.of(pools[0]!, slotOf);
}

Deno.test("a table is the one that is built at once from the same members, in shared memory", async () => {
  const [table] = await built(new MaglevTables(), model(three));
  const members = model(three).pools[0]!.targets.map(({ key, name, config: { weight } }) => ({
    name,
    weight,
    slot: slotOf(key),
  }));
  const { slots, entries } = buildMaglev(members);
  assert.deepEqual(table!.slots, slots);
  assert.deepEqual(table!.entries, entries);
  assert.equal(table!.tier, 0);
  assert.ok(table!.entries.buffer instanceof SharedArrayBuffer);
});

Deno.test("a table is built once for one set of members, whatever their order and whichever pool they are in", async () => {
  const tables = new MaglevTables();
  const [first] = await built(tables, model(three));
  const [again] = await built(tables, model(three.toReversed()));
  assert.equal(again!.entries, first!.entries);
  const pool = (name: string) => `${name}: { algorithm: sourceHash, targets: [${three.join(", ")}] }`;
  const two = modelFrom(textOf({ pools: `${pool("app")}, ${pool("api")}` }));
  await tables.build(two.pools);
  assert.equal(tables.of(two.pools[1]!, slotOf)[0]!.entries, first!.entries);
});

Deno.test("another member, another weight or another tier makes another table", async () => {
  const tables = new MaglevTables();
  const [first] = await built(tables, model(three));
  for (
    const target of [
      `"10.0.0.4:1"`,
      `{ address: "10.0.0.3:1", weight: 2 }`,
      `{ address: "10.0.0.3:1", tier: 1 }`,
    ]
  ) {
    const [other] = await built(tables, model([...three.slice(0, 2), target]));
    assert.notEqual(other!.entries, first!.entries, target);
  }
});

Deno.test("there is a table for each tier, a member of weight 0 is in none, and other algorithms have none", async () => {
  const tiers = await built(
    new MaglevTables(),
    model([`"10.0.0.1:1"`, `{ address: "10.0.0.2:1", tier: 2 }`, `{ address: "10.0.0.3:1", weight: 0 }`]),
  );
  assert.deepEqual(tiers.map(({ tier, slots }) => [tier, slots]), [[0, [101]], [2, [102]]]);
  assert.deepEqual(await built(new MaglevTables(), model(three, "roundRobin")), []);
});

Deno.test("tables are kept for as long as a pool needs them, and forgotten then", async () => {
  const tables = new MaglevTables();
  const [one, other] = [model(three), model(three.slice(1))];
  const [first] = await built(tables, one);
  await built(tables, other);
  tables.keep(one.pools);
  assert.equal((await built(tables, one))[0]!.entries, first!.entries);
  assert.throws(() => tables.of(other.pools[0]!, slotOf), /pool app: a Maglev table was not built/);
});

Deno.test("building many tables lets everybody else on the thread have a chance in between", async () => {
  const pools = Array.from({ length: 40 }, (_, pool) => {
    const targets = Array.from({ length: 20 }, (_, index) => `"10.0.${pool}.${index}:1"`);
    return `p${pool}: { algorithm: sourceHash, targets: [${targets.join(", ")}] }`;
  });
  const many = modelFrom(
    textOf({ listeners: `web: { bind: "127.0.0.1:80", pool: p0 }`, pools: pools.join(", ") }),
  );
  let chances = 0;
  const timer = setInterval(() => chances++, 0);
  try {
    await new MaglevTables().build(many.pools);
  } finally {
    clearInterval(timer);
  }
  assert.ok(chances > 0, "nobody had a chance");
});
