import assert from "node:assert/strict";
import { startShare, startStepMs } from "../../lib/health/slow_start.ts";

Deno.test("a slow start grows evenly from a tenth to the whole", () => {
  const shares = [-5, 0, 5_000, 10_000, 9_999_999].map((ms) => startShare(ms, 10_000));
  assert.deepEqual(shares, [0.1, 0.1, 0.55, 1, 1]);
  assert.equal(startShare(0, 0), 1);
});

Deno.test("a slow start goes in fifty steps, of a tenth of a second at least", () => {
  assert.deepEqual([1_000, 5_000, 30_000].map(startStepMs), [100, 100, 600]);
});
