import assert from "node:assert/strict";
import { bestOf, median, pairedRatio, quantile, summarise } from "./statistics.ts";

const rounds = (...values: number[]) => new Map(values.map((value, index) => [index + 1, value]));

Deno.test("the median is the middle value, or the mean of the two middle ones", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([10, 1, 4, 2]), 3);
  assert(Number.isNaN(median([])));
});

Deno.test("a summary has the median and both ends", () => {
  assert.deepEqual(summarise([5, 1, 9]), { median: 5, min: 1, max: 9 });
  assert.equal(summarise([]), undefined);
});

Deno.test("the ratio is taken round by round, so that drift common to both falls out", () => {
  assert.equal(pairedRatio(rounds(100, 50, 20), rounds(200, 100, 40)), 0.5);
});

Deno.test("rounds that only one of the two has do not count in a ratio", () => {
  assert.equal(pairedRatio(new Map([[1, 10], [2, 99]]), new Map([[1, 5], [3, 1]])), 2);
  assert(Number.isNaN(pairedRatio(rounds(1), new Map())));
});

Deno.test("the best has the highest or the lowest median, as asked", () => {
  const candidates = new Map([["a", rounds(1, 2, 3)], ["b", rounds(5, 1, 1)], ["none", rounds()]]);
  assert.equal(bestOf(candidates, "higher"), "a");
  assert.equal(bestOf(candidates, "lower"), "b");
  assert.equal(bestOf(new Map(), "lower"), undefined);
});

Deno.test("a quantile is a value that was measured", () => {
  const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.deepEqual([0.5, 0.99, 1].map((share) => quantile(sorted, share)), [50, 99, 100]);
  assert(Number.isNaN(quantile([], 0.5)));
});
