import assert from "node:assert/strict";
import {
  allocateMemory,
  capacity,
  clearCounts,
  count,
  countFields,
  countsOf,
} from "../../lib/dataplane/memory.ts";

const none = { total: 0, failed: 0, receivedBytes: 0, sentBytes: 0 };

function region(memory: ReturnType<typeof allocateMemory>, worker: number): Float64Array {
  const found = memory.counts[worker];
  assert(found !== undefined);
  return found;
}

Deno.test("counts begin at zero, in every slot there is", () => {
  const memory = allocateMemory(2);
  assert.deepEqual(countsOf(memory, 0), none);
  assert.deepEqual(countsOf(memory, capacity.places - 1), none);
});

Deno.test("a count is the sum over all threads", () => {
  const memory = allocateMemory(3);
  for (const worker of [0, 1, 2]) {
    count(region(memory, worker), { slot: 5, field: "sentBytes" }, 10 ** worker);
  }
  count(region(memory, 1), { slot: 5, field: "total" });
  assert.deepEqual(countsOf(memory, 5), { ...none, sentBytes: 111, total: 1 });
});

Deno.test("each field of each slot is counted by itself, to the last slot", () => {
  const memory = allocateMemory(1);
  const slots = [0, 1, capacity.places - 1];
  for (const [at, slot] of slots.entries()) {
    for (const [index, field] of countFields.entries()) {
      count(region(memory, 0), { slot, field }, 1 + at * 10 + index);
    }
  }
  for (const [at, slot] of slots.entries()) {
    const counts = countsOf(memory, slot);
    assert.deepEqual(countFields.map((field) => counts[field]), [1, 2, 3, 4].map((index) => index + at * 10));
  }
});

Deno.test("bytes are counted exactly beyond 2^32", () => {
  const memory = allocateMemory(1);
  count(region(memory, 0), { slot: 0, field: "receivedBytes" }, 2 ** 52);
  count(region(memory, 0), { slot: 0, field: "receivedBytes" });
  assert.equal(countsOf(memory, 0).receivedBytes, 2 ** 52 + 1);
});

Deno.test("clearing a slot forgets its counts in every thread and leaves its neighbours", () => {
  const memory = allocateMemory(2);
  for (const worker of [0, 1]) {
    for (const slot of [6, 7, 8]) count(region(memory, worker), { slot, field: "failed" });
  }
  clearCounts(memory, 7);
  assert.deepEqual([6, 7, 8].map((slot) => countsOf(memory, slot).failed), [2, 0, 2]);
});

Deno.test("what one thread counts, another one that was handed the memory sees", () => {
  const memory = allocateMemory(1);
  // Shared memory is cloned by reference, as `postMessage` does it.
  const handed = structuredClone(memory);
  count(region(handed, 0), { slot: 3, field: "total" });
  assert.equal(countsOf(memory, 3).total, 1);
});
