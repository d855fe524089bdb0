import assert from "node:assert/strict";
import type { FailingTarget, Report } from "../../lib/dataplane/messages.ts";
import { Outcomes } from "../../lib/dataplane/outcomes.ts";
import { allocateMemory } from "../../lib/shared/layout.ts";
import { sharedViews } from "../../lib/shared/shared.ts";
import type { TriedTarget } from "../../lib/session/context.ts";
import type { Reason } from "../../lib/values/words.ts";
import { target } from "../pool/pool_fixture.ts";

const a = target("a", 3);
const plain = { target: a, trial: undefined };

class World {
  readonly words = sharedViews(allocateMemory(1, { slots: 8, pools: 1 })).targets;
  readonly posted: Report[] = [];
  readonly gathered: FailingTarget[] = [];
  readonly outcomes = new Outcomes({
    pool: "app",
    maxFailures: 3,
    words: this.words,
    post: (report) => void this.posted.push(report),
    gather: (failing) => void this.gathered.push(failing),
  });

  /** A session that has the trial of the target. */
  trial() {
    const trial = this.words.takeTrial(a.slot);
    assert.ok(trial !== undefined);
    return { target: a, trial };
  }

  get failures(): number {
    return this.words.failures(a.slot);
  }
}

/** What happens to a session, as its letters: R refused, T timed out, C connected, B first byte, X reset before it, D done without a byte. */
function act(outcomes: Outcomes, letter: string): void {
  if (letter === "R") outcomes.refused(plain, "connect_refused");
  if (letter === "T") outcomes.refused(plain, "connect_timeout");
  if (letter === "C") outcomes.connected(plain);
  if (letter === "B") outcomes.served(plain);
  if (letter === "X") outcomes.endedUnserved(plain, "server_reset");
  if (letter === "D") outcomes.endedUnserved(plain, "done");
}

const cases: readonly [string, number, string][] = [
  ["RR", 2, "failed connects add up"],
  ["RT", 2, "of whatever cause"],
  ["RRC", 0, "a connection forgets failed connects"],
  ["CXCX", 2, "resets add up, each behind a connection"],
  ["CXCXCB", 0, "a byte forgets resets"],
  ["CXCXCD", 0, "a session that ends in order forgets them, too"],
  ["CXRCX", 2, "a connection does not forget resets"],
  ["CXR", 2, "both kinds add up"],
  ["CC", 0, "a connection is no failure"],
];

for (const [letters, failures, sentence] of cases) {
  Deno.test(`${sentence}: ${letters} makes ${failures} in a row`, () => {
    const world = new World();
    for (const letter of letters) act(world.outcomes, letter);
    assert.equal(world.failures, failures);
  });
}

for (const error of ["client_gone_connect", "resource"] as const) {
  Deno.test(`an attempt that ends with ${error} is no failure of the target, and frees a trial`, () => {
    const world = new World();
    world.outcomes.refused(world.trial(), error);
    assert.deepEqual([world.failures, world.words.trial(a.slot).state, world.posted], [0, "free", []]);
  });
}

for (const reason of ["client_reset", "target_down", "killed", "drain_deadline", "internal"] as const) {
  Deno.test(`a session that ends with ${reason} before the first byte says nothing of its target`, () => {
    const world = new World();
    act(world.outcomes, "X");
    const trial = world.trial();
    world.outcomes.connected(trial);
    world.outcomes.endedUnserved(trial, reason);
    assert.deepEqual([world.failures, world.words.trial(a.slot).state, world.posted], [1, "free", []]);
  });
}

Deno.test("the failure that reaches the bound is told at once, and what comes after it is gathered", () => {
  const world = new World();
  for (const letter of "RRRR") act(world.outcomes, letter);
  const failing = { pool: "app", target: "a", cause: "connect_refused" };
  assert.deepEqual(world.posted, [{ type: "failing", targets: [{ ...failing, failures: 3 }] }]);
  assert.deepEqual(world.gathered, [{ ...failing, failures: 4 }]);
});

const trialEnds: readonly {
  name: string;
  passed: boolean;
  act: (outcomes: Outcomes, trial: TriedTarget) => void;
}[] = [
  { name: "is refused", passed: false, act: (outcomes, trial) => outcomes.refused(trial, "connect_refused") },
  {
    name: "is reset before the first byte",
    passed: false,
    act: (outcomes, trial) => end(outcomes, { trial, reason: "server_reset" }),
  },
  { name: "gets a byte", passed: true, act: (outcomes, trial) => outcomes.served(trial) },
  { name: "ends in order", passed: true, act: (outcomes, trial) => end(outcomes, { trial, reason: "done" }) },
];

function end(outcomes: Outcomes, { trial, reason }: { trial: TriedTarget; reason: Reason }): void {
  outcomes.connected(trial);
  outcomes.endedUnserved(trial, reason);
}

for (const { name, passed, act } of trialEnds) {
  Deno.test(`a trial that ${name} has ${passed ? "passed" : "failed"}, and the control plane is told`, () => {
    const world = new World();
    const trial = world.trial();
    act(world.outcomes, trial);
    const told = world.posted.map((report) => report.type === "trial" && [report.trial, report.passed]);
    assert.deepEqual(told, [[trial.trial, passed]]);
  });
}

Deno.test("a trial that has its connection is shown as connected, for a target that never speaks", () => {
  const world = new World();
  const trial = world.trial();
  assert.equal(world.words.trial(a.slot).state, "connecting");
  world.outcomes.connected(trial);
  assert.equal(world.words.trial(a.slot).state, "connected");
  assert.equal(world.words.takeTrial(a.slot), undefined, "a second session was let in");
});

Deno.test("the late end of a trial changes nothing about the next one", () => {
  const world = new World();
  const late = world.trial();
  world.words.beginTrial(a.slot);
  const next = world.trial();
  world.outcomes.endedUnserved(late, "client_reset");
  assert.deepEqual(world.words.trial(a.slot), { number: next.trial, state: "connecting" });
  world.outcomes.connected(late);
  assert.equal(world.words.trial(a.slot).state, "connecting");
  world.outcomes.connected(next);
  assert.equal(world.words.trial(a.slot).state, "connected");
});
