import assert from "node:assert/strict";
import { duration } from "../../lib/health/detail.ts";

Deno.test("durations read as in lb.yaml", () => {
  assert.deepEqual([50, 999, 1000, 1500, 90_000].map(duration), ["50ms", "999ms", "1s", "1.5s", "90s"]);
});
