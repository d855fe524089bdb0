import assert from "node:assert/strict";
import { allocateMemory } from "../../lib/shared/layout.ts";
import { Readers } from "../../lib/shared/readers.ts";

Deno.test("readers are past a revision once every thread is, and a thread that does not run is past all", () => {
  const readers = new Readers(allocateMemory(2));
  readers.set(0, 3);
  readers.set(1, 2);
  assert.deepEqual([1, 2, 3].map((revision) => readers.arePast(revision)), [true, true, false]);
  readers.leave(1);
  assert.deepEqual([3, 4].map((revision) => readers.arePast(revision)), [true, false]);
});
