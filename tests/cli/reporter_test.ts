import assert from "node:assert/strict";
import { Reporter } from "../../lib/cli/reporter.ts";
import type { BalancerEvent } from "../../lib/control/events.ts";
import type { Log } from "../../lib/observe/log.ts";

Deno.test("a flood of ejections has ten lines a second of each kind, and the rest as a sum", () => {
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  const log: Log = {
    debug: note,
    info: note,
    warn: note,
    error: note,
    bulk: () => assert.fail("no session closed"),
    flush: () => Promise.resolve(),
  };
  const ejected: BalancerEvent = {
    kind: "ejected",
    pool: "app",
    target: "10.0.0.1:80",
    cause: "connection refused",
    failures: 5,
    inRow: 1,
    ms: 30_000,
  };
  {
    using reporter = new Reporter({ log, limited: () => true });
    for (let count = 0; count < 1_000; count++) reporter.report(ejected);
    reporter.report({ ...ejected, kind: "returned", cause: "it has answered" });
  }
  assert.equal(lines.filter((line) => line.includes("is ejected for 30s")).length, 10);
  assert.deepEqual(lines.slice(10), [
    "target app/10.0.0.1:80 is no longer ejected: it has answered",
    "990 more targets: ejected",
  ]);
});
