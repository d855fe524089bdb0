import assert from "node:assert/strict";
import { ejectionLine, type EjectionTold } from "../../lib/observe/ejection_report.ts";

const target = { pool: "app", target: "10.0.0.1:80", cause: "connection refused" };
const out = { ...target, kind: "ejected", failures: 5, inRow: 1, ms: 30_000 } as const;

Deno.test("what ejection does to a target reads as a sentence with its cause", () => {
  const cases: readonly (readonly [EjectionTold, string, string])[] = [
    [out, "warn", "is ejected for 30s: 5 connections in a row failed: connection refused"],
    [
      { ...out, failures: null, inRow: 3, ms: 90_000, cause: "ECONNRESET (os error 104)" },
      "warn",
      "is ejected for 1m30s, 3 times in a row: its trial failed: connection reset",
    ],
    [
      { ...out, kind: "ejectionObserved" },
      "warn",
      "would be ejected (ejection.mode: observe) for 30s: 5 connections in a row failed: connection refused",
    ],
    [
      { ...target, kind: "ejectionWithheld", failures: 7, why: "lastEligible" },
      "warn",
      "is not ejected, it is the last eligible one of its pool: 7 connections in a row failed: connection refused",
    ],
    [
      { ...target, kind: "ejectionWithheld", failures: 7, why: "maxShare" },
      "warn",
      "is not ejected, as many of its pool are ejected as ejection.maxShare allows: " +
      "7 connections in a row failed: connection refused",
    ],
    [
      { ...target, kind: "trial", cause: "its time is over" },
      "info",
      "is on trial, the next session decides: its time is over",
    ],
    [{ ...target, kind: "returned", cause: "answered" }, "info", "is no longer ejected: answered"],
  ];
  for (const [event, level, message] of cases) {
    const line = ejectionLine(event);
    assert.deepEqual([line.level, line.message], [level, `target app/10.0.0.1:80 ${message}`]);
    assert.equal(line.fields?.["ejection"], event.kind);
  }
});
