import assert from "node:assert/strict";
import { allocateMemory } from "../../lib/shared/layout.ts";
import { PoolWords } from "../../lib/shared/pool_words.ts";
import { TargetWords } from "../../lib/shared/target_words.ts";

Deno.test("the words of a target are its own, and setting what they are already changes nothing", () => {
  const words = new TargetWords(allocateMemory(1));
  assert.equal(words.set(4, { state: 5, weight: 0.25 }), true);
  assert.equal(words.set(4, { state: 5, weight: 0.25 }), false);
  assert.equal(words.set(4, { state: 5, weight: 0.5 }), true);
  assert.equal(words.set(4, { state: 1, weight: 0.5 }), true);
  words.setLastAddress(4, 2);
  assert.deepEqual([words.state(4), words.weight(4), words.lastAddress(4)], [1, 0.5, 2]);
  for (const slot of [3, 5]) {
    assert.deepEqual([words.state(slot), words.weight(slot), words.lastAddress(slot)], [0, 0, 0]);
  }
  words.clear(4);
  assert.deepEqual([words.state(4), words.weight(4), words.lastAddress(4)], [0, 0, 0]);
});

Deno.test("every weight that a configuration may have comes back as it was", () => {
  const words = new TargetWords(allocateMemory(1));
  for (let weight = 0; weight <= 1_000; weight++) {
    words.set(0, { state: 1, weight });
    assert.equal(words.weight(0), weight);
  }
});

Deno.test("the epoch of a pool moves with each change, also when it wraps around", () => {
  const memory = allocateMemory(1);
  const words = new PoolWords(memory);
  memory.pools[16 + 2] = 2 ** 31 - 1;
  const before = words.epoch(1);
  words.advanceEpoch(1);
  assert.notEqual(words.epoch(1), before);
  assert.equal(words.epoch(0), 0);
});

Deno.test("the last tie of a pool is kept apart from its epoch", () => {
  const words = new PoolWords(allocateMemory(1));
  assert.equal(words.lastTied(1), -1);
  words.setLastTied(1, 0);
  words.advanceEpoch(1);
  assert.equal(words.lastTied(1), 0);
});
