import assert from "node:assert/strict";
import type { BalancerWorld } from "./balancer_world.ts";
import { endTrial, fail, fileOf, named, probed, started, viewOf } from "./ejection_world.ts";

const slowly = { pool: "slowStart: 10s", health: probed, weights: [4] } as const;

/** The weight and the share in force of a target, as every thread sees them. */
function inForce(world: BalancerWorld, target = 1): { weight: number; share: number } {
  const { slot } = world.target(named(target));
  const { targets } = world.shared;
  return { weight: round(targets.weight(slot)), share: round(targets.share(slot)) };
}

function round(x: number): number {
  return Math.round(x * 1_000) / 1_000;
}

async function becomes(world: BalancerWorld, state: "up" | "down", target = 1): Promise<void> {
  world.probes.answers.set(named(target), state === "up" ? "passed" : "failed");
  await world.until(`it is ${state}`, () => viewOf(world, target).state === state);
}

Deno.test("a target that comes back up takes a tenth of its weight and of its sessions, and more from step to step", async () => {
  await using world = await started(slowly);
  await becomes(world, "down");
  await becomes(world, "up");
  const since = world.eventsOf("health").length;
  assert.deepEqual(inForce(world), { weight: 0.4, share: 0.1 });
  assert.equal(viewOf(world, 1).weight, 4);
  await world.pass(5_000);
  const { weight, share } = inForce(world);
  assert.ok(share > 0.5 && share < 0.6 && Math.abs(weight - 4 * share) < 0.01, `${weight} ${share}`);
  const { effectiveWeight } = viewOf(world, 1);
  assert.ok(effectiveWeight > 2 && effectiveWeight < 2.4, `${effectiveWeight}`);
  await world.pass(5_200);
  assert.deepEqual(inForce(world), { weight: 4, share: 1 });
  assert.equal(viewOf(world, 1).effectiveWeight, 4);
  assert.equal(world.eventsOf("health").length, since);
  const epoch = world.shared.pools.epoch(world.pool().slot);
  await world.pass(10_000);
  assert.equal(world.shared.pools.epoch(world.pool().slot), epoch, "words are written while nobody starts");
});

Deno.test("nobody starts slowly at the start, by a reload that adds or changes, or from checking", async () => {
  await using world = await started(slowly);
  assert.deepEqual(inForce(world), { weight: 4, share: 1 });
  await world.reload(fileOf({ ...slowly, targets: 5, weights: [8] }));
  assert.deepEqual([inForce(world), inForce(world, 5)], [{ weight: 8, share: 1 }, { weight: 1, share: 1 }]);
  assert.equal(viewOf(world, 5).effectiveWeight, 1);
});

Deno.test("a target that was down at the start, by a probe, starts slowly once it is up; one that began as down does not", async () => {
  await using world = await started({ ...slowly, targets: 2 });
  world.probes.answers.set(named(3), "failed");
  await world.reload(fileOf({ ...slowly, targets: 3 }));
  await becomes(world, "up", 3);
  assert.equal(inForce(world, 3).share, 0.1);

  await using other = await started({
    ...slowly,
    health: probed.replace("jitter", "initial: down, jitter"),
  });
  await other.until("it is up", () => viewOf(other, 1).state === "up");
  assert.equal(inForce(other).share, 1);
});

Deno.test("a target starts slowly behind an ejection", async () => {
  await using world = await started({ pool: "slowStart: 10s" });
  fail(world, 1);
  await world.pass(30_100);
  endTrial(world, 1, { passed: true });
  assert.equal(inForce(world).share, 0.1);
  await world.pass(10_200);
  assert.equal(inForce(world).share, 1);
});

Deno.test("a target that is put in by a reload that ends ejection does not start slowly", async () => {
  await using world = await started({ pool: "slowStart: 10s" });
  fail(world, 1);
  await world.reload(fileOf({ pool: "slowStart: 10s", ejection: "none" }));
  assert.equal(inForce(world).share, 1);
});

Deno.test("a reload goes on with a slow start by its own length, and ends it where there is none", async () => {
  await using world = await started(slowly);
  await becomes(world, "down");
  await becomes(world, "up");
  await world.pass(4_000);
  await world.reload(fileOf({ ...slowly, pool: "slowStart: 100s" }));
  const { share } = inForce(world);
  assert.ok(share > 0.13 && share < 0.16, `${share}`);
  await world.reload(fileOf({ ...slowly, pool: "" }));
  assert.equal(inForce(world).share, 1);
});

Deno.test("a target that goes down while it starts begins anew", async () => {
  await using world = await started(slowly);
  await becomes(world, "down");
  await becomes(world, "up");
  await world.pass(6_000);
  await becomes(world, "down");
  const epoch = world.shared.pools.epoch(world.pool().slot);
  await world.pass(4_000);
  assert.equal(world.shared.pools.epoch(world.pool().slot), epoch, "it goes on starting while it is down");
  await becomes(world, "up");
  assert.equal(inForce(world).share, 0.1);
});

Deno.test("a target to which a client could not connect is probed soon, unless the client or this machine was at fault", async () => {
  const health = probed.replace("interval: 1s, fastInterval: 500ms", "interval: 60s, fastInterval: 500ms");
  const report = (world: BalancerWorld, error: "connect_refused" | "client_gone_connect" | "resource") => {
    const attempt = { session: "0.1", pool: "app", target: named(1), error, ms: 1, detail: "no" };
    world.threads.options.onEvents({
      type: "events",
      closed: [],
      failedAttempts: [attempt, { ...attempt, target: "10.9.9.9:9" }],
      acceptErrors: [],
      faults: [],
      lost: 0,
    });
  };
  await using world = await started({ health });
  world.probes.answers.set(named(1), "failed");
  await world.pass(1_000);
  for (const error of ["client_gone_connect", "resource"] as const) report(world, error);
  await world.pass(1_000);
  assert.equal(world.probes.countOf(named(1)), 1);
  report(world, "connect_refused");
  await world.pass(100);
  assert.equal(viewOf(world, 1).state, "down");

  // And the same where a thread says that it fails.
  world.probes.answers.set(named(2), "failed");
  fail(world, 2);
  await world.pass(100);
  assert.equal(viewOf(world, 2).state, "down");
});
