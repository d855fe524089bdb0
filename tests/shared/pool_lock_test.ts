import assert from "node:assert/strict";
import { allocateMemory } from "../../lib/shared/layout.ts";
import { PoolLock } from "../../lib/shared/pool_lock.ts";

Deno.test("a lock whose holder never lets go delays a turn, not the service", () => {
  const lock = new PoolLock(allocateMemory(1, { slots: 1, pools: 2 }));
  // The holder is this very thread, which is as good as a dead one.
  assert.equal(lock.exclusively(0, () => lock.exclusively(0, () => "went ahead")), "went ahead");
  assert.equal(lock.exclusively(0, () => lock.exclusively(1, () => "free")), "free");
});

Deno.test("a lock is free again after a decision that throws", () => {
  const memory = allocateMemory(1, { slots: 1, pools: 1 });
  const lock = new PoolLock(memory);
  assert.throws(() =>
    lock.exclusively(0, () => {
      throw new Error("no decision");
    }), /no decision/);
  assert.deepEqual([...memory.pools], new Array(16).fill(0));
});

Deno.test("one thread needs no shared memory", () => {
  const lock = new PoolLock({ pools: new Int32Array(16), runningWeights: new Int32Array(3) });
  assert.equal(lock.exclusively(0, (weights) => weights.length), 3);
});

Deno.test("who lets a contended lock go wakes one that waits for it", () => {
  const memory = allocateMemory(1, { slots: 1, pools: 1 });
  const wakes: number[] = [];
  const notify = Atomics.notify;
  const lock = new PoolLock(memory);
  try {
    Atomics.notify = ((words: Int32Array<SharedArrayBuffer>, index: number, count?: number) => {
      wakes.push(index);
      return notify(words, index, count);
    }) as typeof Atomics.notify;
    lock.exclusively(0, () => {});
    assert.deepEqual(wakes, [], "nobody waits for it");
    // What a thread that waits leaves in the word.
    lock.exclusively(0, () => Atomics.store(memory.pools, 0, 2));
    assert.deepEqual(wakes, [0]);
  } finally {
    Atomics.notify = notify;
  }
});
