import assert from "node:assert/strict";
import { allocateMemory } from "../../lib/shared/layout.ts";
import { Permits } from "../../lib/shared/permits.ts";

Deno.test("no more permits are given than there are, and one that comes back is given again", () => {
  const permits = new Permits(allocateMemory(1));
  assert.deepEqual([permits.acquire(3, 2), permits.acquire(3, 2), permits.acquire(3, 2)], [
    true,
    true,
    false,
  ]);
  permits.release(3);
  assert.equal(permits.acquire(3, 2), true);
  assert.equal(permits.taken(3), 2);
  assert.equal(permits.taken(2), 0);
});

Deno.test("a permit that nobody has taken cannot be given back", () => {
  const permits = new Permits(allocateMemory(1));
  assert.throws(() => permits.release(0), /slot 0/);
  assert.equal(permits.taken(0), 0);
});

Deno.test("all permits of a dead thread come back, those of others stay, and what it held is forgotten", () => {
  const memory = allocateMemory(2);
  const [dead, other] = memory.held.map((held) => new Permits(memory, held));
  for (const slot of [1, 1, 5]) dead!.acquire(slot, Infinity);
  for (const slot of [1, 7]) other!.acquire(slot, Infinity);
  dead!.release(1);
  new Permits(memory).releaseAll(memory.held[0]!);
  assert.deepEqual([1, 5, 7].map((slot) => other!.taken(slot)), [1, 0, 1]);
  // A thread that takes its place begins with nothing: at its own death nothing is given back twice.
  const successor = new Permits(memory, memory.held[0]);
  successor.acquire(1, Infinity);
  new Permits(memory).releaseAll(memory.held[0]!);
  assert.deepEqual([1, 5, 7].map((slot) => other!.taken(slot)), [1, 0, 1]);
});

Deno.test("one thread needs no shared memory", () => {
  const permits = new Permits({ permits: new Int32Array(1) });
  assert.ok(permits.acquire(0, 1));
  assert.ok(!permits.acquire(0, 1));
});

Deno.test("a slot that the memory does not have is known", () => {
  const permits = new Permits(allocateMemory(1, { slots: 4, pools: 1 }));
  assert.deepEqual([-1, 0, 3, 4, 1.5].map((slot) => permits.has(slot)), [false, true, true, false, false]);
});
