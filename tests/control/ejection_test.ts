import assert from "node:assert/strict";
import { Pool } from "../../lib/pool/pool.ts";
import {
  ejectionEvents,
  endTrial,
  fail,
  fileOf,
  named,
  probed,
  started,
  told,
  viewOf,
  words,
  wordsOf,
} from "./ejection_world.ts";

const { up, ejected, trial } = words;

Deno.test("a target that fails is ejected at once, and the state and the log say for how long and why", async () => {
  await using world = await started();
  const published = world.threads.snapshots.length;
  fail(world, 1);
  assert.deepEqual(wordsOf(world), [ejected, up, up, up]);
  assert.equal(world.threads.snapshots.length, published);
  assert.deepEqual(ejectionEvents(world), [{
    kind: "ejected",
    pool: "app",
    target: named(1),
    cause: "connection refused",
    failures: 5,
    inRow: 1,
    ms: 30_000,
  }]);
  const { state, ejections, ejectedMs } = viewOf(world, 1);
  assert.deepEqual({ state, ejections, ejectedMs }, { state: "ejected", ejections: 1, ejectedMs: 30_000 });
  assert.equal(world.balancer.state().pools["app"]!.eligible, 3);
  // What other threads still report does nothing more.
  fail(world, 1);
  assert.deepEqual(told(world), ["ejected 1"]);
});

Deno.test("its time over an ejected target is on trial for one session, and a trial that passes puts it in", async () => {
  await using world = await started();
  const { targets } = world.shared;
  const { slot } = world.target(named(1));
  for (let count = 0; count < 5; count++) targets.countRefusal(slot);
  fail(world, 1);
  await world.pass(29_900);
  assert.equal(wordsOf(world)[0], ejected);
  await world.pass(200);
  assert.deepEqual(wordsOf(world), [trial, up, up, up]);
  assert.equal(viewOf(world, 1).ejectedMs, 0);
  const taken = targets.takeTrial(slot);
  assert.ok(taken !== undefined, "no session can take the trial");
  targets.setTrial(slot, taken, "connected");
  endTrial(world, 1, { passed: true });
  assert.deepEqual(wordsOf(world), [up, up, up, up]);
  assert.equal(targets.failures(slot), 0);
  assert.deepEqual(told(world), ["ejected 1", "trial 1", "returned 1"]);
  const { state, ejections, ejectedMs } = viewOf(world, 1);
  assert.deepEqual({ state, ejections, ejectedMs }, { state: "up", ejections: 1, ejectedMs: null });
});

Deno.test("a pool sends one session to a target on trial, and the others elsewhere", async () => {
  await using world = await started({ targets: 2, pool: "algorithm: roundRobin" });
  const pool = new Pool(world.pool(), { shared: world.shared, random: () => 0.5 });
  const taken = () => {
    const picked = pool.take({ client: { remoteHost: "192.0.2.1" }, tried: [] });
    return picked.kind === "target" ? picked.target.name : picked.reason;
  };
  fail(world, 1);
  assert.deepEqual([taken(), taken()], [named(2), named(2)]);
  await world.pass(30_100);
  assert.deepEqual([taken(), taken(), taken()], [named(1), named(2), named(2)]);
  endTrial(world, 1, { passed: true });
  assert.deepEqual([taken(), taken()].toSorted(), [named(1), named(2)]);
});

Deno.test("a trial that fails ejects again, for longer each time up to the longest", async () => {
  await using world = await started();
  fail(world, 1);
  for (const ms of [30_000, 60_000, 90_000, 100_000]) {
    await world.pass(ms - 100);
    assert.equal(wordsOf(world)[0], ejected);
    await world.pass(200);
    assert.equal(wordsOf(world)[0], trial);
    endTrial(world, 1, { passed: false });
  }
  const lasting = ejectionEvents(world).flatMap((event) => event.kind === "ejected" ? [event.ms] : []);
  assert.deepEqual(lasting, [30_000, 60_000, 90_000, 100_000, 100_000]);
  assert.equal(viewOf(world, 1).ejections, 5);
  const last = ejectionEvents(world).at(-1)!;
  assert.ok(last.kind === "ejected" && last.failures === null && last.cause === "connection reset");
});

Deno.test("a target that has served well for a while is ejected as if for the first time", async () => {
  await using world = await started();
  for (const wellMs of [0, 100, 30_100]) {
    await world.pass(wellMs);
    fail(world, 1);
    await world.pass(60_100);
    endTrial(world, 1, { passed: true });
  }
  const inRow = ejectionEvents(world).flatMap((event) => event.kind === "ejected" ? [event.inRow] : []);
  assert.deepEqual(inRow, [1, 2, 2]);
});

Deno.test("a passing probe begins a trial once the base time is over, however long the ejection is", async () => {
  await using world = await started({ health: probed });
  fail(world, 1);
  await world.pass(29_000);
  await world.until("the trial", () => wordsOf(world)[0] === trial);
  endTrial(world, 1, { passed: false });
  const at = world.clock.now();
  await world.pass(29_000);
  await world.until("the next trial", () => wordsOf(world)[0] === trial);
  const ms = world.clock.now() - at;
  assert.ok(ms >= 30_000 && ms <= 31_100, `after ${ms} ms`);
  assert.equal(ejectionEvents(world).at(-1)!.cause, "a probe has passed");
});

Deno.test("a target that its probes take down is ejected no more, and their word alone brings it back", async () => {
  await using world = await started({ health: probed, pool: "slowStart: 30s" });
  world.shared.targets.countReset(world.target(named(1)).slot);
  fail(world, 1);
  world.probes.answers.set(named(1), "failed");
  await world.until("it is down", () => viewOf(world, 1).state === "down");
  assert.deepEqual([wordsOf(world)[0]! & ejected, viewOf(world, 1).ejectedMs], [0, null]);
  assert.equal(world.shared.targets.failures(world.target(named(1)).slot), 0);
  assert.equal(viewOf(world, 1).effectiveWeight, 1, "it starts slowly once it is up");
  world.probes.answers.set(named(1), "passed");
  await world.until("it is up", () => wordsOf(world)[0] === up);
  assert.ok(viewOf(world, 1).effectiveWeight < 1, "it was down");
  assert.deepEqual(told(world), ["ejected 1", "returned 1"]);
  assert.equal(ejectionEvents(world).at(-1)!.cause, "it does not pass its probes");
  // What was counted is kept: the next one is the second in a row.
  fail(world, 1);
  const last = ejectionEvents(world).at(-1)!;
  assert.ok(last.kind === "ejected" && last.inRow === 2);
});

Deno.test("a target that turns down on trial is ejected no more, and the late end of its trial changes nothing", async () => {
  await using world = await started({ health: probed.replace("rise: 1", "rise: 100") });
  fail(world, 1);
  await world.pass(29_000);
  await world.until("the trial", () => wordsOf(world)[0] === trial);
  assert.ok(world.shared.targets.takeTrial(world.target(named(1)).slot));
  world.probes.answers.set(named(1), "failed");
  await world.until("it is down", () => viewOf(world, 1).state === "down");
  endTrial(world, 1, { passed: false });
  world.probes.answers.set(named(1), "passed");
  await world.pass(40_000);
  assert.deepEqual(told(world), ["ejected 1", "trial 1", "returned 1"]);
  assert.equal(viewOf(world, 1).state, "down");
});

Deno.test("targets that are down or have weight 0 use up nothing of what may be ejected", async () => {
  await using world = await started({ targets: 3, health: probed });
  fail(world, 2);
  world.probes.answers.set(named(2), "failed");
  await world.until("it is down", () => viewOf(world, 2).state === "down");
  fail(world, 1);
  assert.equal(wordsOf(world)[0], ejected);
  await world.reload(fileOf({ targets: 3, health: probed, weights: [0, 1, 1] }));
  assert.equal(wordsOf(world)[0], up);
  assert.equal(ejectionEvents(world).at(-1)!.cause, "its weight is 0");
  world.probes.answers.set(named(2), "passed");
  await world.until("it is up", () => wordsOf(world)[1] === up);
  fail(world, 3);
  assert.equal(wordsOf(world)[2], ejected);
});

Deno.test("what is only observed of a target that is down uses up nothing either", async () => {
  await using world = await started({ targets: 3, health: probed, ejection: "mode: observe" });
  fail(world, 2);
  world.probes.answers.set(named(2), "failed");
  await world.until("it is down", () => viewOf(world, 2).state === "down");
  fail(world, 1);
  assert.deepEqual(told(world), ["ejectionObserved 2", "ejectionObserved 1"]);
});

Deno.test("a target that is down already is not ejected by what sessions report late", async () => {
  await using world = await started({ health: probed });
  world.probes.answers.set(named(1), "failed");
  await world.until("it is down", () => viewOf(world, 1).state === "down");
  fail(world, 1);
  assert.deepEqual(told(world), []);
});

Deno.test("a session on trial that stays open for five seconds without a word passes", async () => {
  await using world = await started();
  const { slot } = world.target(named(1));
  fail(world, 1);
  await world.pass(30_100);
  const taken = world.shared.targets.takeTrial(slot)!;
  await world.pass(20_000);
  assert.equal(wordsOf(world)[0], trial, "a session that is still connecting has shown nothing");
  world.shared.targets.setTrial(slot, taken, "connected");
  await world.pass(5_000);
  assert.equal(wordsOf(world)[0], trial);
  await world.pass(2_100);
  assert.equal(wordsOf(world)[0], up);
});

Deno.test("short sessions on trial one after the other are no session that stays open", async () => {
  await using world = await started();
  const { targets } = world.shared;
  const { slot } = world.target(named(1));
  fail(world, 1);
  await world.pass(30_100);
  for (let session = 0; session < 10; session++) {
    const taken = targets.takeTrial(slot)!;
    targets.setTrial(slot, taken, "connected");
    await world.pass(990);
    targets.setTrial(slot, taken, "free");
  }
  assert.equal(wordsOf(world)[0], trial);
});

Deno.test("the late end of a trial decides nothing about the next one", async () => {
  await using world = await started();
  const { targets } = world.shared;
  const { slot } = world.target(named(1));
  fail(world, 1);
  await world.pass(30_100);
  const late = targets.takeTrial(slot)!;
  targets.beginTrial(slot);
  const report = {
    type: "trial",
    pool: "app",
    target: named(1),
    passed: true,
    cause: "it has answered",
  } as const;
  world.threads.options.onTargetReport({ ...report, trial: late });
  assert.equal(wordsOf(world)[0], trial);
});

Deno.test("a trial that a dead thread had is free again", async () => {
  await using world = await started();
  const { targets } = world.shared;
  const { slot } = world.target(named(1));
  fail(world, 1);
  await world.pass(30_100);
  for (const state of ["connecting", "connected"] as const) {
    targets.setTrial(slot, targets.takeTrial(slot)!, state);
    world.threads.options.onDeath({ worker: 0, cause: "a bug", sessions: 1, restartMs: 100 });
    assert.equal(targets.trial(slot).state, "free");
  }
  assert.equal(wordsOf(world)[0], trial);
});

Deno.test("no more targets are ejected than maxShare allows, which is said once; room that comes is used", async () => {
  await using world = await started({ targets: 5 });
  fail(world, 1, 2, 3, 4);
  assert.deepEqual(wordsOf(world), [ejected, ejected, up, up, up]);
  for (let count = 0; count < 100; count++) fail(world, 3, 4);
  assert.deepEqual(told(world), ["ejected 1", "ejected 2", "ejectionWithheld 3", "ejectionWithheld 4"]);
  const withheld = ejectionEvents(world).at(-1)!;
  assert.ok(withheld.kind === "ejectionWithheld" && withheld.why === "maxShare");
  await world.pass(30_100);
  // Those on trial count as ejected.
  fail(world, 3);
  assert.equal(wordsOf(world)[2], up);
  endTrial(world, 1, { passed: true });
  fail(world, 3, 4);
  assert.deepEqual(wordsOf(world), [up, trial, ejected, up, up]);
});

Deno.test("the last eligible target is never ejected, whatever maxShare allows", async () => {
  await using world = await started({ targets: 3, ejection: "maxShare: 100%", weights: [1, 1, 0] });
  fail(world, 1, 2);
  assert.deepEqual(wordsOf(world), [ejected, up, up]);
  for (let count = 0; count < 10; count++) fail(world, 2);
  const withheld = ejectionEvents(world).filter(({ kind }) => kind === "ejectionWithheld");
  assert.equal(withheld.length, 1);
  assert.ok(withheld[0]!.kind === "ejectionWithheld" && withheld[0]!.why === "lastEligible");
});

Deno.test("a target of weight 0, a stranger's and one of another pool are not ejected", async () => {
  await using world = await started({ weights: [0, 1, 1, 1] });
  fail(world, 1, 9);
  endTrial(world, 9, { passed: false });
  world.threads.options.onTargetReport({
    type: "failing",
    targets: [{ pool: "gone", target: named(2), failures: 5, cause: "timeout" }],
  });
  assert.deepEqual([wordsOf(world), told(world)], [[up, up, up, up], []]);
});

Deno.test("when probes take the last eligible target of a pool, those ejected are in again at once, for every client", async () => {
  await using world = await started({ targets: 4, health: probed, pool: "slowStart: 30s" });
  fail(world, 1, 2);
  for (const target of [3, 4]) world.probes.answers.set(named(target), "failed");
  await world.until("the others are down", () => [3, 4].every((n) => viewOf(world, n).state === "down"));
  assert.deepEqual(wordsOf(world).slice(0, 2), [up, up]);
  assert.deepEqual(told(world), ["ejected 1", "ejected 2", "returned 1", "returned 2"]);
  assert.equal(ejectionEvents(world).at(-1)!.cause, "no other target is eligible");
  assert.equal(viewOf(world, 1).effectiveWeight, 1, "nobody else serves while it starts");
  // One of them may fail again, and is out for longer; the last one stays, which is said once.
  for (let count = 0; count < 20; count++) fail(world, 1, 2);
  assert.deepEqual(told(world).slice(4), ["ejected 1", "ejectionWithheld 2"]);
  const again = ejectionEvents(world).at(-2)!;
  assert.ok(again.kind === "ejected" && again.inRow === 2);
});

Deno.test("one that is on trial when nobody else is left is in as well", async () => {
  await using world = await started({ targets: 2, health: probed });
  fail(world, 1);
  await world.pass(29_000);
  await world.until("the trial", () => wordsOf(world)[0] === trial);
  world.probes.answers.set(named(2), "failed");
  await world.until("the other one is down", () => viewOf(world, 2).state === "down");
  assert.equal(wordsOf(world)[0], up);
  endTrial(world, 1, { passed: false });
  assert.equal(wordsOf(world)[0], up);
});

Deno.test("a trial that no session takes for the base time is over, and the target starts as any that comes back", async () => {
  await using world = await started({ pool: "slowStart: 30s" });
  const { targets } = world.shared;
  fail(world, 1);
  await world.pass(30_100);
  assert.equal(wordsOf(world)[0], trial);
  await world.pass(29_000);
  assert.equal(wordsOf(world)[0], trial);
  await world.pass(2_000);
  assert.equal(wordsOf(world)[0], up);
  assert.equal(ejectionEvents(world).at(-1)!.cause, "nobody has tried it");
  assert.ok(viewOf(world, 1).effectiveWeight < 1);
  // One that has a session waits for what comes of it.
  fail(world, 1);
  await world.pass(60_100);
  assert.ok(targets.takeTrial(world.target(named(1)).slot));
  await world.pass(40_000);
  assert.equal(wordsOf(world)[0], trial);
});

Deno.test("a trial that fails ejects nobody beyond a maxShare that is smaller by now", async () => {
  await using world = await started();
  fail(world, 1, 2);
  await world.reload(fileOf({ ejection: "maxShare: 25%" }));
  await world.pass(30_100);
  endTrial(world, 1, { passed: false });
  assert.deepEqual(wordsOf(world), [up, trial, up, up]);
  assert.deepEqual(told(world).slice(-2), ["returned 1", "ejectionWithheld 1"]);
  const withheld = ejectionEvents(world).at(-1)!;
  assert.ok(withheld.kind === "ejectionWithheld" && withheld.failures === null);
  endTrial(world, 2, { passed: false });
  assert.deepEqual(wordsOf(world), [up, ejected, up, up]);
});

Deno.test("how long an ejection lasts is told in whole milliseconds", async () => {
  await using world = await started({ targets: 40 });
  // The sum of a fraction and the length is rounded, and the difference is a little less or more than the length.
  await world.pass(5_000);
  for (let target = 1; target <= 20; target++) {
    await world.pass(0.1);
    fail(world, target);
  }
  const lasting = ejectionEvents(world).map((event) => event.kind === "ejected" && event.ms);
  assert.deepEqual(lasting, Array.from(lasting, () => 30_000));
});

Deno.test("observed, a target stays in, and what would have been is counted and told", async () => {
  await using world = await started({ ejection: "mode: observe" });
  const before = world.shared.pools.epoch(world.pool().slot);
  fail(world, 1);
  for (let count = 0; count < 20; count++) fail(world, 1);
  await world.pass(30_100);
  fail(world, 1, 2, 3, 4);
  assert.deepEqual(wordsOf(world), [up, up, up, up]);
  assert.equal(world.shared.pools.epoch(world.pool().slot), before);
  assert.deepEqual(told(world), ["ejectionObserved 1", "ejectionObserved 1", "ejectionObserved 2"]);
  const { state, ejections, ejectionsObserved, ejectedMs } = viewOf(world, 1);
  assert.deepEqual([state, ejections, ejectionsObserved, ejectedMs], ["up", 0, 2, null]);
});

Deno.test("a pool without ejection ejects nobody", async () => {
  await using world = await started({ ejection: "none" });
  fail(world, 1, 2);
  assert.deepEqual([wordsOf(world), told(world)], [[up, up, up, up], []]);
});

Deno.test("a reload keeps the ejection of a target that stays, and its clock", async () => {
  await using world = await started();
  fail(world, 1);
  await world.pass(20_000);
  await world.reload(fileOf({ targets: 5, pool: "algorithm: random" }));
  assert.deepEqual(wordsOf(world), [ejected, up, up, up, up]);
  await world.pass(9_000);
  assert.equal(wordsOf(world)[0], ejected);
  await world.pass(1_100);
  assert.equal(wordsOf(world)[0], trial);
  await world.reload(fileOf());
  assert.equal(wordsOf(world)[0], trial);
  assert.equal(viewOf(world, 1).ejections, 1);
});

Deno.test("a reload that switches ejection off, or to observe, puts every target in", async () => {
  for (const ejection of ["none", "mode: observe"]) {
    await using world = await started();
    const { slot } = world.target(named(1));
    world.shared.targets.countReset(slot);
    fail(world, 1);
    await world.reload(fileOf({ ejection }));
    assert.deepEqual(wordsOf(world), [up, up, up, up]);
    assert.equal(world.shared.targets.failures(slot), 0);
    assert.equal(told(world).at(-1), "returned 1");
    await world.pass(40_000);
    assert.deepEqual(wordsOf(world), [up, up, up, up]);
  }
});

Deno.test("a reload that leaves a pool with ejected targets alone puts them in", async () => {
  await using world = await started({ targets: 2 });
  fail(world, 1);
  await world.reload(fileOf({ targets: 1 }));
  assert.deepEqual(wordsOf(world), [up]);
});

Deno.test("a target that is removed and comes again begins without its ejection", async () => {
  await using world = await started();
  fail(world, 4);
  await world.reload(fileOf({ targets: 3 }));
  fail(world, 4);
  await world.reload(fileOf());
  assert.deepEqual(wordsOf(world), [up, up, up, up]);
  assert.equal(viewOf(world, 4).ejections, 0);
});

Deno.test("a name with other addresses keeps its ejection", async () => {
  await using world = await started();
  const file = fileOf().replace(`address: "${named(1)}"`, `address: "a.test:1"`);
  world.resolver.answers.set("a.test", ["10.0.2.1"]);
  await world.reload(file);
  world.threads.options.onTargetReport({
    type: "failing",
    targets: [{ pool: "app", target: "a.test:1", failures: 5, cause: "timeout" }],
  });
  world.resolver.answers.set("a.test", ["10.0.2.2"]);
  await world.pass(25_000);
  const hosts = () => world.target("a.test:1").addresses.map((address) => "host" in address && address.host);
  await world.until("the other address", () => hosts()[0] === "10.0.2.2");
  const { slot } = world.target("a.test:1");
  assert.notEqual(world.shared.targets.state(slot) & ejected, up);
  assert.equal(viewOf(world, 1).ejections, 1);
});

Deno.test("after a stop no timer is left, and late reports change nothing", async () => {
  const world = await started({ pool: "slowStart: 30s" });
  fail(world, 1);
  fail(world, 2);
  await world.pass(30_100);
  endTrial(world, 1, { passed: true });
  await world[Symbol.asyncDispose]();
  assert.equal(world.clock.waiting, 0);
  const before = wordsOf(world);
  fail(world, 3);
  endTrial(world, 2, { passed: true });
  assert.deepEqual([wordsOf(world), world.clock.waiting], [before, 0]);
});
