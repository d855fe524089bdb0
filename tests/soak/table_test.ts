import assert from "node:assert/strict";
import type { Result } from "./judge.ts";
import { tableOf } from "./table.ts";

const passed: Result = {
  row: 13,
  fault: "target refuses",
  wanted: "0 failed",
  engine: "linux",
  verdict: "passed",
  measured: "failed 0 (≤ 0)",
  seconds: 61.4,
  stallMs: 12.6,
  figures: [],
};

Deno.test("each result is a line of the table", () => {
  assert.equal(
    tableOf([passed]),
    `| row | fault | wanted | measured | engine | verdict | took | machine stalled |
| --- | --- | --- | --- | --- | --- | --- | --- |
| 13 | target refuses | 0 failed | failed 0 (≤ 0) | linux | passed | 61 s | 13 ms |`,
  );
});

Deno.test("what did not pass stands out, and its cause is below the table", () => {
  const lines = tableOf([passed, { ...passed, verdict: "hung", engine: "portable", cause: "at: a |\nb" }])
    .split("\n");
  assert.match(lines[3]!, /\| portable \| \*\*hung\*\* \|/);
  assert.equal(lines.at(-1), "- row 13, portable, hung: at: a \\| b");
});
