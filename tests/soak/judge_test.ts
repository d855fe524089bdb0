import assert from "node:assert/strict";
import { judge } from "./judge.ts";
import type { TestEnd } from "./test_process.ts";

const figure = { row: 13, what: "added", is: 2, most: 5, unit: "ms", engine: "linux" };
const ended = (printed: string, more: Partial<TestEnd> = {}): TestEnd => ({
  code: 0,
  seconds: 3,
  stallMs: 20,
  figures: [],
  printed,
  ...more,
});
const fine = "running 2 tests\n\nok | 2 passed | 0 failed (3s)\n";

Deno.test("a row whose tests and figures are as wanted has passed", () => {
  assert.deepEqual(judge(ended(fine, { figures: [figure] })), {
    verdict: "passed",
    measured: "added 2 ms (≤ 5); tests: 2 passed",
    seconds: 3,
    stallMs: 20,
    figures: [figure],
  });
});

Deno.test("a figure over what is wanted makes the row missed, and is its cause", () => {
  const { verdict, cause } = judge(ended(fine, { figures: [{ ...figure, is: 5.25 }] }));
  assert.deepEqual([verdict, cause], ["missed", "added 5.25 ms (≤ 5)"]);
});

Deno.test("a figure that is no number is missed", () => {
  assert.equal(judge(ended(fine, { figures: [{ ...figure, is: NaN }] })).verdict, "missed");
});

Deno.test("of a figure measured more than once the worst counts", () => {
  const measurements = [{ ...figure, is: 4, most: 5 }, { ...figure, is: 4.5, most: 9 }, {
    ...figure,
    what: "failed",
    is: 0,
    most: 0,
  }];
  const { figures, verdict } = judge(ended(fine, { figures: measurements }));
  assert.deepEqual(figures, [measurements[0], measurements[2]]);
  assert.equal(verdict, "passed");
});

Deno.test("the cause of a failed row is the last thing that a test failed with", () => {
  const printed = `one ... FAILED (1s)

 ERRORS 

one => ./a_test.ts:1:6
error: AssertionError: 3 of 10 bytes
    at one

 FAILURES 

one => ./a_test.ts:1:6

FAILED | 1 passed | 1 failed (2s)

error: Test failed
`;
  const { verdict, cause, measured } = judge(ended(printed, { code: 1 }));
  assert.deepEqual([verdict, cause], ["failed", "AssertionError: 3 of 10 bytes"]);
  assert.equal(measured, "tests: 1 passed, 1 failed");
});

Deno.test("a row that was killed has hung, at what it printed last", () => {
  const { verdict, cause } = judge(
    ended("running 1 test\nwaits for ever ...\n", { code: null, seconds: 60 }),
  );
  assert.deepEqual([verdict, cause], ["hung", "not over after 60 s, at: waits for ever ..."]);
});

Deno.test("a row of which no test runs here is skipped with the reason, one that has none has failed", () => {
  const ignored =
    "resets (ignored: cannot send an RST) ... ignored (0ms)\n\nok | 0 passed | 0 failed | 1 ignored (0ms)\n";
  const skipped = judge(ended(ignored));
  assert.deepEqual([skipped.verdict, skipped.cause], ["skipped", "cannot send an RST"]);
  const none = judge(ended("ok | 0 passed | 0 failed | 3 filtered out (0ms)\n"));
  assert.deepEqual([none.verdict, none.cause], ["failed", "no test ran"]);
});
