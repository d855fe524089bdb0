import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Ejection,
  type EjectionInput,
  type EjectionRule,
  inRowAt,
  maxEjected,
  neverEjected,
  silentTrialMs,
  step,
  underRule,
  whyWithheld,
} from "../../lib/health/ejection.ts";

const rule: EjectionRule = { baseTimeMs: 30_000, maxTimeMs: 100_000, maxShare: 0.5, mode: "enforce" };
const observe: EjectionRule = { ...rule, mode: "observe" };

const fails: EjectionInput = { kind: "failing" };
const quiet: EjectionInput = { kind: "timePassed", isTaken: false, isConnected: false };
const connecting: EjectionInput = { kind: "timePassed", isTaken: true, isConnected: false };
const connected: EjectionInput = { kind: "timePassed", isTaken: true, isConnected: true };
const probed: EjectionInput = { kind: "probePassed" };
const released: EjectionInput = { kind: "released" };
const passed: EjectionInput = { kind: "trialEnded", passed: true };
const failed: EjectionInput = { kind: "trialEnded", passed: false };

const out = (inRow: number, since: number, until: number): Ejection => ({
  phase: "out",
  inRow,
  since,
  until,
});
const observed = (inRow: number, since: number, until: number): Ejection => ({
  phase: "observed",
  inRow,
  since,
  until,
});
const isIn = (inRow: number, since: number): Ejection => ({ phase: "in", inRow, since });
const trial = (inRow: number, since: number, connectedSince?: number): Ejection => ({
  phase: "trial",
  inRow,
  since,
  connectedSince,
});

interface Case {
  readonly name: string;
  readonly from: Ejection;
  /** What happens, and when. */
  readonly at: readonly (readonly [number, EjectionInput])[];
  readonly to: Ejection;
  readonly rule?: EjectionRule;
}

const cases: readonly Case[] = [
  {
    name: "a target that fails is out for the base time",
    from: neverEjected,
    at: [[5, fails]],
    to: out(1, 5, 30_005),
  },
  {
    name: "a target that is in takes no notice of time",
    from: neverEjected,
    at: [[9e9, quiet]],
    to: neverEjected,
  },
  {
    name: "a target that is in takes no notice of probes",
    from: neverEjected,
    at: [[5, probed]],
    to: neverEjected,
  },
  {
    name: "the end of a trial that there is not changes nothing",
    from: neverEjected,
    at: [[5, failed]],
    to: neverEjected,
  },
  {
    name: "a target that is in takes no notice of a release",
    from: isIn(2, 0),
    at: [[5, released]],
    to: isIn(2, 0),
  },
  {
    name: "failures of one that is out do not lengthen it",
    from: out(1, 0, 30_000),
    at: [[9, fails]],
    to: out(1, 0, 30_000),
  },
  {
    name: "one that is out stays out until its time is over",
    from: out(1, 0, 30_000),
    at: [[29_999, quiet]],
    to: out(1, 0, 30_000),
  },
  {
    name: "its time over it is on trial",
    from: out(2, 0, 60_000),
    at: [[60_000, quiet]],
    to: trial(2, 60_000),
  },
  {
    name: "a probe that passes within the base time changes nothing",
    from: out(2, 0, 60_000),
    at: [[29_999, probed]],
    to: out(2, 0, 60_000),
  },
  {
    name: "a probe that passes behind the base time puts it on trial",
    from: out(2, 0, 60_000),
    at: [[30_000, probed]],
    to: trial(2, 30_000),
  },
  {
    name: "released it is in at once, and its ejections in a row are kept",
    from: out(2, 0, 60_000),
    at: [[1, released]],
    to: isIn(2, 1),
  },
  {
    name: "a late report of a trial does not end an ejection",
    from: out(1, 0, 30_000),
    at: [[1, passed]],
    to: out(1, 0, 30_000),
  },
  { name: "a trial that passes puts it in", from: trial(2, 10), at: [[20, passed]], to: isIn(2, 20) },
  {
    name: "a trial that fails puts it out for longer",
    from: trial(1, 10),
    at: [[20, failed]],
    to: out(2, 20, 60_020),
  },
  {
    name: "no ejection is longer than the longest",
    from: trial(7, 10),
    at: [[20, failed]],
    to: out(8, 20, 100_020),
  },
  {
    name: "released from its trial it is in",
    from: trial(2, 10, 15),
    at: [[20, released]],
    to: isIn(2, 20),
  },
  {
    name: "failures of one on trial wait for its end",
    from: trial(1, 10),
    at: [[20, fails]],
    to: trial(1, 10),
  },
  {
    name: "a trial that nobody takes goes on for the base time",
    from: trial(2, 10),
    at: [[30_009, quiet]],
    to: trial(2, 10),
  },
  {
    name: "a trial that nobody has taken for the base time is over, and the target in",
    from: trial(2, 10),
    at: [[30_010, quiet]],
    to: isIn(2, 30_010),
  },
  {
    name: "a trial that a session has goes on until that has decided",
    from: trial(2, 10),
    at: [[30_010, connecting], [90_000, connecting]],
    to: trial(2, 10),
  },
  {
    name: "a session on trial that stays open in silence passes",
    from: trial(1, 0),
    at: [[10, connected], [10 + silentTrialMs, connected]],
    to: isIn(1, 10 + silentTrialMs),
  },
  {
    name: "one that has not been open for long enough has not passed",
    from: trial(1, 0),
    at: [[10, connected], [9 + silentTrialMs, connected]],
    to: trial(1, 0, 10),
  },
  {
    name: "the silence of two sessions on trial is not added up",
    from: trial(1, 0),
    at: [[10, connected], [20, quiet], [30, connected], [29 + silentTrialMs, connected]],
    to: trial(1, 0, 30),
  },
  {
    name: "one that fails again soon is out for longer",
    from: isIn(1, 0),
    at: [[29_999, fails]],
    to: out(2, 29_999, 89_999),
  },
  {
    name: "each base time in takes one ejection off",
    from: isIn(3, 0),
    at: [[60_000, fails]],
    to: out(2, 60_000, 120_000),
  },
  {
    name: "what was long ago does not count",
    from: isIn(3, 0),
    at: [[90_000, fails]],
    to: out(1, 90_000, 120_000),
  },
  {
    name: "observed, a target stays where it is",
    from: neverEjected,
    at: [[5, fails]],
    to: observed(1, 5, 30_005),
    rule: observe,
  },
  {
    name: "observed, it is counted once for as long as it would be out",
    from: observed(1, 0, 30_000),
    at: [[29_999, fails]],
    to: observed(1, 0, 30_000),
    rule: observe,
  },
  {
    name: "observed, it is counted again when it would have come back",
    from: observed(1, 0, 30_000),
    at: [[30_000, fails]],
    to: observed(2, 30_000, 90_000),
    rule: observe,
  },
  {
    name: "observed, nothing else makes a difference",
    from: observed(1, 0, 30_000),
    at: [[40_000, quiet], [40_000, probed], [40_000, passed]],
    to: observed(1, 0, 30_000),
    rule: observe,
  },
  {
    name: "observed, it is released as it would be, and counts what it has served well",
    from: observed(3, 0, 90_000),
    at: [[120_000, released]],
    to: isIn(2, 120_000),
    rule: observe,
  },
];

for (const { name, from, at, to, rule: by = rule } of cases) {
  Deno.test(`ejection: ${name}`, () => {
    const reached = at.reduce(
      (ejection, [now, input]) => step(ejection, input, { now, rule: by }),
      from,
    );
    assert.deepEqual(reached, to);
    if (to === from) assert.equal(reached, from, "the same object says that nothing has changed");
  });
}

Deno.test("ejection: another rule keeps what it can, and none forgets everything", () => {
  const reruled: readonly (readonly [Ejection, EjectionRule | undefined, Ejection])[] = [
    [out(2, 0, 60_000), rule, out(2, 0, 60_000)],
    [trial(2, 0), rule, trial(2, 0)],
    [isIn(2, 0), rule, isIn(2, 0)],
    [out(2, 0, 60_000), undefined, neverEjected],
    [out(2, 0, 60_000), observe, isIn(2, 7)],
    [trial(2, 0), observe, isIn(2, 7)],
    [observed(2, 0, 60_000), observe, observed(2, 0, 60_000)],
    [observed(2, 0, 60_000), rule, isIn(2, 7)],
  ];
  for (const [from, to, expected] of reruled) {
    assert.deepEqual(underRule(from, { now: 7, rule: to }), expected);
  }
});

Deno.test("ejection: the last eligible target is never ejected, nor more than the share of the pool", () => {
  const counted: readonly (readonly [number, number, number, number, ReturnType<typeof whyWithheld>])[] = [
    [3, 0, 3, 0.5, undefined],
    [3, 1, 2, 0.5, "maxShare"],
    [2, 0, 2, 0.5, undefined],
    [2, 0, 1, 0.5, "lastEligible"],
    [1, 0, 1, 1, "lastEligible"],
    [2, 0, 2, 0.4, "maxShare"],
    [4, 2, 2, 1, undefined],
    [4, 3, 1, 1, "lastEligible"],
    [10, 2, 2, 0.3, undefined],
  ];
  for (const [targets, ejected, eligible, maxShare, expected] of counted) {
    assert.equal(whyWithheld({ targets, ejected, eligible }, { maxShare }), expected);
  }
});

Deno.test("ejection: a share in percent of a pool is a whole number of targets, rounded down as on paper", () => {
  for (let percent = 1; percent <= 100; percent++) {
    for (let targets = 0; targets <= 300; targets++) {
      assert.equal(maxEjected(targets, percent / 100), Math.floor(percent * targets / 100));
    }
  }
});

Deno.test("ejection: whatever happens, a target is out for at most maxTime and in again only by a trial or a release", () => {
  const input = fc.constantFrom(fails, quiet, connected, probed, released, passed, failed);
  const lives = fc.array(fc.tuple(fc.integer({ min: 0, max: 40_000 }), input), { maxLength: 80 });
  fc.assert(fc.property(lives, (life) => {
    let [now, ejection]: [number, Ejection] = [0, neverEjected];
    for (const [ms, each] of life) {
      now += ms;
      const before = ejection;
      ejection = step(before, each, { now, rule });
      assert.ok(inRowAt(ejection, { now, rule }) <= life.length);
      if (ejection.phase === "out") assert.ok(ejection.until - ejection.since <= rule.maxTimeMs);
      if (before.phase === "out" && ejection.phase === "in") assert.equal(each, released);
      if (before.phase === "in" && ejection !== before) assert.equal(each, fails);
    }
  }));
});
