import assert from "node:assert/strict";
import fc from "fast-check";
import { nextDelayMs, step, type Verdict } from "../../lib/health/verdict.ts";
import { timing } from "./support/specs.ts";

const limits = { rise: 2, fall: 3 };

function after(start: Verdict, results: readonly boolean[]): Verdict {
  return results.reduce((verdict, ok) => step(verdict, ok, limits).verdict, start);
}

const TABLE: readonly (readonly [Verdict["state"], string, Verdict["state"], number])[] = [
  ["checking", "+", "up", 0],
  ["checking", "-", "down", 0],
  ["up", "+", "up", 0],
  ["up", "-", "up", 1],
  ["up", "--", "up", 2],
  ["up", "--+", "up", 0],
  ["up", "---", "down", 0],
  ["up", "--+--", "up", 2],
  ["down", "-", "down", 0],
  ["down", "+", "down", 1],
  ["down", "+-", "down", 0],
  ["down", "++", "up", 0],
  ["down", "+-+", "down", 1],
];

for (const [from, results, to, streak] of TABLE) {
  Deno.test(`${from} after ${results} is ${to} with ${streak} against it`, () => {
    assert.deepEqual(after({ state: from, streak: 0 }, [...results].map((c) => c === "+")), {
      state: to,
      streak,
    });
  });
}

Deno.test("a verdict turns exactly when rise or fall results in a row speak against it", () => {
  const settings = fc.record({ rise: fc.integer({ min: 1, max: 5 }), fall: fc.integer({ min: 1, max: 5 }) });
  fc.assert(fc.property(settings, fc.array(fc.boolean(), { maxLength: 60 }), ({ rise, fall }, results) => {
    let verdict: Verdict = { state: "up", streak: 0 };
    let since: boolean[] = [];
    for (const ok of results) {
      since.push(ok);
      const needed = verdict.state === "up" ? fall : rise;
      const against = verdict.state === "up" ? false : true;
      const mustTurn = since.length >= needed && since.slice(-needed).every((r) => r === against);
      const next = step(verdict, ok, { rise, fall });
      assert.equal(next.changed, mustTurn);
      assert.equal(next.verdict.state !== verdict.state, mustTurn);
      if (next.changed) since = [];
      verdict = next.verdict;
    }
  }));
});

Deno.test("the next probe comes after interval, fastInterval or downInterval", () => {
  const t = timing();
  assert.equal(nextDelayMs({ state: "up", streak: 0 }, t, 0), 2000);
  assert.equal(nextDelayMs({ state: "up", streak: 2 }, t, 0), 500);
  assert.equal(nextDelayMs({ state: "down", streak: 0 }, t, 0), 5000);
  assert.equal(nextDelayMs({ state: "down", streak: 1 }, t, 0), 500);
  assert.equal(nextDelayMs({ state: "checking", streak: 0 }, t, 0), 500);
});

Deno.test("fast is never slower than the interval", () => {
  assert.equal(nextDelayMs({ state: "up", streak: 1 }, timing({ intervalMs: 100 }), 0), 100);
});

Deno.test("jitter makes a delay shorter by its share at most, and never longer", () => {
  assert.equal(nextDelayMs({ state: "up", streak: 0 }, timing(), 0.5), 1900);
  fc.assert(fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
    const ms = nextDelayMs({ state: "up", streak: 0 }, timing(), random);
    assert.ok(ms >= 1800 && ms <= 2000);
  }));
});
