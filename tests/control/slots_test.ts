import assert from "node:assert/strict";
import { ModelSlots } from "../../lib/control/model_slots.ts";
import { SlotTable, whyTooLarge } from "../../lib/control/slots.ts";
import { count, countersOf } from "../../lib/shared/counters.ts";
import { allocateMemory, capacity } from "../../lib/shared/layout.ts";
import { Readers } from "../../lib/shared/readers.ts";
import { TargetWords } from "../../lib/shared/target_words.ts";
import { configOf } from "./balancer_world.ts";
import { modelFrom, textOf } from "./model_world.ts";

/** A table of a few slots, in which everything retired before `readersAt` is unused. */
class TableWorld {
  readersAt = 0;
  readonly reused: number[] = [];
  readonly table: SlotTable;

  constructor(capacity: number) {
    this.table = new SlotTable({
      capacity,
      isUnused: (revision) => this.readersAt >= revision,
      onReuse: (slot) => this.reused.push(slot),
    });
  }

  slots(...keys: readonly string[]): number[] {
    return keys.map((key) => this.table.slotOf(key));
  }
}

Deno.test("keys are numbered from 0 up, and one that has a slot keeps it", () => {
  const { table } = new TableWorld(4);
  assert.deepEqual(table.take(["a", "b", "a"]), ["a", "b"]);
  assert.deepEqual(table.take(["b", "c"]), ["c"]);
  assert.deepEqual(["a", "b", "c"].map((key) => table.slotOf(key)), [0, 1, 2]);
});

Deno.test("the slot of a retired key is known as such until nobody can use it, or it is in use again", () => {
  const world = new TableWorld(2);
  const { table } = world;
  table.take(["a", "b"]);
  table.keep(["b"], 1);
  world.readersAt = 0;
  assert.deepEqual(["a", "b", "c"].map((key) => table.retiredSlotOf(key)), [0, undefined, undefined]);
  table.keep(["a", "b"], 2);
  assert.equal(table.retiredSlotOf("a"), undefined, "it is back");
  table.keep(["b"], 3);
  assert.equal(table.retiredSlotOf("a"), 0);
  world.readersAt = 3;
  assert.equal(table.retiredSlotOf("a"), undefined, "its last reader is gone");
  table.take(["b", "c"]);
  world.readersAt = 0;
  assert.deepEqual(["a", "c"].map((key) => table.retiredSlotOf(key)), [undefined, undefined]);
});

Deno.test("a key without a slot is an error, not a slot", () => {
  const { table } = new TableWorld(4);
  assert.throws(() => table.slotOf("a"), /a has no slot/);
});

Deno.test("every key gets a slot or none does", () => {
  const world = new TableWorld(3);
  world.table.take(["a", "b"]);
  assert.equal(world.table.take(["c", "d"]), undefined);
  for (const key of ["c", "d"]) assert.throws(() => world.table.slotOf(key), RangeError);
  assert.deepEqual(world.table.take(["c"]), ["c"]);
  assert.deepEqual(world.slots("a", "b", "c"), [0, 1, 2]);
});

Deno.test("what is given back is free at once", () => {
  const world = new TableWorld(2);
  world.table.take(["a"]);
  world.table.giveBack(world.table.take(["b"])!);
  assert.throws(() => world.table.slotOf("b"), RangeError);
  world.table.take(["c"]);
  assert.deepEqual(world.slots("a", "c"), [0, 1]);
  assert.deepEqual(world.reused, []);
});

Deno.test("a retired slot is given to another key once its last reader is past it, and cleared before, not sooner", () => {
  const world = new TableWorld(2);
  world.table.take(["a", "b"]);
  world.table.keep(["a"], 7);
  for (const readersAt of [0, 6]) {
    world.readersAt = readersAt;
    assert.equal(world.table.take(["a", "c"]), undefined, `with readers at ${readersAt}`);
  }
  assert.deepEqual(world.reused, []);
  world.readersAt = 7;
  assert.deepEqual(world.table.take(["a", "c"]), ["c"]);
  assert.deepEqual(world.slots("a", "c"), [0, 1]);
  assert.deepEqual(world.reused, [1]);
  assert.throws(() => world.table.slotOf("b"), RangeError);
});

Deno.test("a key stays retired since the revision that retired it, however many follow", () => {
  const world = new TableWorld(2);
  world.table.take(["a", "b"]);
  for (const revision of [3, 4, 5]) world.table.keep(["a"], revision);
  world.readersAt = 3;
  assert.deepEqual(world.table.take(["a", "c"]), ["c"]);
});

Deno.test("a key that returns before its slot has another owner gets the same one, uncleared", () => {
  const world = new TableWorld(3);
  world.table.take(["a", "b"]);
  world.table.keep(["a"], 1);
  world.readersAt = 1;
  assert.deepEqual(world.table.take(["a", "b"]), []);
  assert.deepEqual(world.slots("a", "b"), [0, 1]);
  world.table.keep(["a", "b"], 2);
  assert.deepEqual(world.table.take(["a", "b", "c"]), ["c"]);
  assert.deepEqual(world.slots("b", "c"), [1, 2]);
  assert.equal(world.table.take(["a", "b", "c", "d"]), undefined, "b is in use again");
  assert.deepEqual(world.reused, []);
});

Deno.test("a retired key that is asked for is never the one that makes room", () => {
  const world = new TableWorld(2);
  world.table.take(["a", "b"]);
  world.table.keep([], 1);
  world.readersAt = 1;
  // Both are unused; c needs one of them, and b is asked for.
  assert.deepEqual(world.table.take(["b", "c"]), ["c"]);
  assert.deepEqual(world.slots("b", "c"), [1, 0]);
  assert.equal(world.table.take(["b", "c", "d"]), undefined);
});

Deno.test("a slot that nobody ever had comes before one that is to be cleared", () => {
  const world = new TableWorld(3);
  world.table.take(["a", "b"]);
  world.table.keep(["a"], 1);
  world.readersAt = 1;
  world.table.take(["a", "c"]);
  assert.deepEqual(world.slots("a", "b", "c"), [0, 1, 2]);
  assert.deepEqual(world.reused, []);
});

Deno.test("a request that does not fit clears nothing, though a part of it would fit", () => {
  const world = new TableWorld(2);
  world.table.take(["a", "b"]);
  world.table.keep(["a"], 1);
  world.readersAt = 1;
  assert.equal(world.table.take(["a", "c", "d"]), undefined);
  assert.deepEqual(world.reused, []);
  assert.deepEqual(world.slots("b"), [1]);
});

Deno.test("a slot with counts and words of its former owner is given away empty", () => {
  const memory = allocateMemory(1);
  const slots = new ModelSlots(memory);
  const words = new TargetWords(memory);
  new Readers(memory).set(0, 1);
  // All the room there is, twice over: the second half takes the slots of the first.
  const model = (net: number) => {
    const targets = Array.from(
      { length: capacity.slots / 2 - 2 },
      (_, index) => `"10.${net}.0.1:${index + 1}"`,
    );
    return modelFrom(textOf({ pools: `app: { health: none, targets: [${targets.join(", ")}] }` }));
  };
  const [first, second, third] = [model(1), model(2), model(3)];
  const take = (each: typeof first) => slots.take(each, new AsyncDisposableStack());
  assert.equal(take(first), undefined);
  slots.keep(first, 1);
  const slot = slots.slotOf("target app/10.1.0.1:5");
  words.set(slot, { state: 1, weight: 2 });
  words.setLastAddress(slot, 3);
  count(memory.counters[0]!, { slot, field: "total" }, 4);
  assert.equal(take(second), undefined);
  slots.keep(second, 2);
  assert.match(take(third) ?? "", /no room for more listeners and targets/);
  assert.deepEqual([words.state(slot), countersOf(memory, slot).total], [1, 4], "a session may still use it");
  new Readers(memory).set(0, 2);
  assert.equal(take(third), undefined);
  const owner = Array.from(third.pools[0]!.targets, ({ key }) => key).find((key) =>
    slots.slotOf(key) === slot
  );
  assert.notEqual(owner, undefined, "the slot has a new owner");
  assert.deepEqual([words.state(slot), words.weight(slot), words.lastAddress(slot)], [0, 0, 0]);
  assert.equal(countersOf(memory, slot).total, 0);
});

/** Why a configuration of so many does not fit. */
function problemOf({ targets = 1, pools = 1 }: { readonly targets?: number; readonly pools?: number }) {
  const [pool, ...others] = Array.from({ length: pools }, (_, index) => ({ name: `p${index}` }));
  const config = configOf(textOf());
  const [target] = config.pools[0]!.targets;
  const filled = { ...config.pools[0]!, ...pool, targets: Array.from({ length: targets }, () => target!) };
  return whyTooLarge({
    ...config,
    pools: [filled, ...others.map((traits) => ({ ...filled, ...traits, targets: [] }))],
  });
}

Deno.test("half of the slots is what one configuration may have: exactly so many fit, and not one more", () => {
  const { slots, pools } = capacity;
  // One slot is the process's, and one the listener's.
  assert.equal(problemOf({ targets: slots / 2 - 2 }), undefined);
  assert.equal(problemOf({ targets: slots / 2 - 1 }), "8192 listeners and targets, at most 8191 fit");
  assert.equal(problemOf({ pools: pools / 2 }), undefined);
  assert.equal(problemOf({ pools: pools / 2 + 1 }), "513 pools, at most 512 fit");
});

Deno.test("two configurations as large as can be fit beside each other, so that one can follow the other", () => {
  const world = new TableWorld(capacity.slots);
  const keys = (set: string) =>
    Array.from({ length: capacity.slots / 2 - 1 }, (_, index) => `${set}${index}`);
  assert.ok(world.table.take(["process", ...keys("a")]) !== undefined);
  assert.ok(world.table.take(["process", ...keys("b")]) !== undefined);
  const used = new Set(["process", ...keys("a"), ...keys("b")].map((key) => world.table.slotOf(key)));
  assert.equal(used.size, capacity.slots - 1);
  assert.equal(Math.max(...used), capacity.slots - 2);
});
