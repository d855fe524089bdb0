import assert from "node:assert/strict";
import { LogSampler } from "../../lib/observe/sampler.ts";
import { eventually } from "../support/eventually.ts";

type Suppressed = [kind: string, count: number];

function sampled(maxPerSecond: number): { sampler: LogSampler; suppressed: Suppressed[] } {
  const suppressed: Suppressed[] = [];
  return {
    sampler: new LogSampler({ maxPerSecond, onSuppressed: (...args) => suppressed.push(args) }),
    suppressed,
  };
}

function admitted(sampler: LogSampler, kinds: readonly string[]): string[] {
  return kinds.filter((kind) => sampler.admit(kind));
}

Deno.test("so many lines of a kind pass, and closing tells how many did not", () => {
  const { sampler, suppressed } = sampled(3);
  assert.equal(admitted(sampler, Array(10).fill("a")).length, 3);
  assert.deepEqual(suppressed, []);
  sampler[Symbol.dispose]();
  assert.deepEqual(suppressed, [["a", 7]]);
});

Deno.test("each kind has its own allowance", () => {
  const { sampler, suppressed } = sampled(1);
  assert.deepEqual(admitted(sampler, ["a", "b", "a", "b", "b", "c"]), ["a", "b", "c"]);
  sampler[Symbol.dispose]();
  assert.deepEqual(suppressed, [["a", 1], ["b", 2]]);
});

Deno.test("a kind that stays within its allowance is not summed up", () => {
  const { sampler, suppressed } = sampled(2);
  admitted(sampler, ["a", "a", "b"]);
  sampler[Symbol.dispose]();
  assert.deepEqual(suppressed, []);
});

Deno.test("a sampler that nothing was asked of closes without a word, and closes twice", () => {
  const { sampler, suppressed } = sampled(1);
  sampler[Symbol.dispose]();
  sampler[Symbol.dispose]();
  assert.deepEqual(suppressed, []);
});

Deno.test("after its second the rest is summed up once, and a new allowance begins", async () => {
  const { sampler, suppressed } = sampled(2);
  admitted(sampler, Array(5).fill("a"));
  await eventually("the second is over", () => suppressed.length > 0);
  assert.deepEqual(suppressed, [["a", 3]]);
  assert.equal(admitted(sampler, Array(3).fill("a")).length, 2);
  sampler[Symbol.dispose]();
  assert.deepEqual(suppressed, [["a", 3], ["a", 1]]);
});
