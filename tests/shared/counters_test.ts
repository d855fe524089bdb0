import assert from "node:assert/strict";
import { clearCounters, count, countersOf } from "../../lib/shared/counters.ts";
import { allocateMemory, capacity, counterFields, type SharedMemory } from "../../lib/shared/layout.ts";

const none = { total: 0, failed: 0, receivedBytes: 0, sentBytes: 0 };

function region({ counters }: SharedMemory, thread: number): Float64Array {
  const found = counters[thread];
  assert(found !== undefined);
  return found;
}

Deno.test("counters begin at zero, in every slot there is", () => {
  const memory = allocateMemory(2);
  assert.deepEqual(countersOf(memory, 0), none);
  assert.deepEqual(countersOf(memory, capacity.slots - 1), none);
});

Deno.test("a counter is the sum over all threads", () => {
  const memory = allocateMemory(3);
  for (const thread of [0, 1, 2]) {
    count(region(memory, thread), { slot: 5, field: "sentBytes" }, 10 ** thread);
  }
  count(region(memory, 1), { slot: 5, field: "total" });
  assert.deepEqual(countersOf(memory, 5), { ...none, sentBytes: 111, total: 1 });
});

Deno.test("each field of each slot is counted by itself, to the last slot", () => {
  const memory = allocateMemory(1);
  const slots = [0, 1, capacity.slots - 1];
  for (const [at, slot] of slots.entries()) {
    for (const [index, field] of counterFields.entries()) {
      count(region(memory, 0), { slot, field }, 1 + at * 10 + index);
    }
  }
  for (const [at, slot] of slots.entries()) {
    const counters = countersOf(memory, slot);
    assert.deepEqual(
      counterFields.map((field) => counters[field]),
      [1, 2, 3, 4].map((index) => index + at * 10),
    );
  }
});

Deno.test("bytes are counted exactly beyond 2^32", () => {
  const memory = allocateMemory(1);
  count(region(memory, 0), { slot: 0, field: "receivedBytes" }, 2 ** 52);
  count(region(memory, 0), { slot: 0, field: "receivedBytes" });
  assert.equal(countersOf(memory, 0).receivedBytes, 2 ** 52 + 1);
});

Deno.test("clearing a slot forgets its counters in every thread and leaves its neighbours", () => {
  const memory = allocateMemory(2);
  for (const thread of [0, 1]) {
    for (const slot of [6, 7, 8]) count(region(memory, thread), { slot, field: "failed" });
  }
  clearCounters(memory, 7);
  assert.deepEqual([6, 7, 8].map((slot) => countersOf(memory, slot).failed), [2, 0, 2]);
});

Deno.test("what one thread counts, another one that was handed the memory sees", () => {
  const memory = allocateMemory(1);
  // Shared memory is cloned by reference, as `postMessage` does it.
  const handed = structuredClone(memory);
  count(region(handed, 0), { slot: 3, field: "total" });
  assert.equal(countersOf(memory, 3).total, 1);
});
