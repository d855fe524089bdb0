import assert from "node:assert/strict";
import { Pool } from "../../lib/pool/pool.ts";
import { stateBits } from "../../lib/pool/target_state.ts";
import { PlaneWorld } from "../support/plane_world.ts";
import { eventually, within } from "../support/eventually.ts";
import { BalancerWorld } from "./balancer_world.ts";

const health = "health: { check: tcp, interval: 1s, fastInterval: 500ms, rise: 1, fall: 1, jitter: none }";
const file = `process: { workers: 2, maxConnections: 20 }
listeners: { web: { bind: "10.0.0.1:80", pool: app } }
pools:
  app: { algorithm: first, targets: ["10.0.1.1:1", "10.0.1.1:2"], ${health} }
  idle: { targets: ["10.0.1.1:3"], ${health} }
`;

async function started(): Promise<BalancerWorld> {
  const world = new BalancerWorld(file);
  await world.start();
  return world;
}

Deno.test("a verdict that turns changes one word and the pool's epoch, and sends no thread a message", async () => {
  await using world = await started();
  const { shared } = world;
  const { calls } = world.threads;
  const [app, idle] = [world.pool(), world.pool("idle")];
  const states = () => [...app.targets, ...idle.targets].map(({ slot }) => shared.targets.state(slot));
  const epochs = () => [app, idle].map(({ slot }) => shared.pools.epoch(slot));
  const [before, callsBefore] = [epochs(), calls.length];
  assert.deepEqual(states(), [stateBits.up, stateBits.up, stateBits.up]);

  world.probes.answers.set("10.0.1.1:1", "failed");
  await world.until("the verdict turns", () => world.eventsOf("health").some(({ to }) => to === "down"));
  assert.deepEqual(states(), [0, stateBits.up, stateBits.up]);
  assert.deepEqual(epochs(), [before[0]! + 1, before[1]]);
  assert.equal(calls.length, callsBefore);
  assert.deepEqual(world.eventsOf("health").at(-1), {
    kind: "health",
    pool: "app",
    target: "10.0.1.1:1",
    from: "up",
    to: "down",
    detail: "10.0.1.1:1 failed",
  });

  world.probes.answers.set("10.0.1.1:1", "passed");
  await world.until("it is up again", () => states()[0] === stateBits.up);
  assert.deepEqual(epochs(), [before[0]! + 2, before[1]]);
  assert.equal(calls.length, callsBefore);
});

Deno.test("probes that turn no verdict write nothing", async () => {
  await using world = await started();
  const epoch = world.shared.pools.epoch(world.pool().slot);
  const probes = world.probes.asked.length;
  await world.until("many probes have passed", () => world.probes.asked.length > probes + 20);
  assert.equal(world.shared.pools.epoch(world.pool().slot), epoch);
});

Deno.test("a pool that a thread made before a verdict turned goes by it at its next pick", async () => {
  await using world = await started();
  const pool = new Pool(world.pool(), { shared: world.shared, random: () => 0.5 });
  const picked = () => {
    const result = pool.pick({ client: { remoteHost: "192.0.2.1" }, tried: [] });
    return result.kind === "target" ? result.target.name : result.reason;
  };
  assert.equal(picked(), "10.0.1.1:1");
  for (const name of ["10.0.1.1:1", "10.0.1.1:2"]) world.probes.answers.set(name, "failed");
  await world.until(
    "both are down",
    () => world.eventsOf("health").filter(({ to }) => to === "down").length === 2,
  );
  assert.equal(picked(), "no_target");
  world.probes.answers.set("10.0.1.1:2", "passed");
  await world.until("one is up", () => picked() === "10.0.1.1:2");
});

Deno.test("a target that is down by probe but still accepts sees no connection", async () => {
  await using world = await started();
  using thread = new PlaneWorld({ memory: world.threads.options.memory });
  const [first, second] = [thread.targetListener(1), thread.targetListener(2)];
  thread.plane.bind([...world.threads.bound.values()]);
  thread.plane.apply(world.snapshot);
  thread.plane.accept();
  const served = async (listener: typeof first) => {
    const { client, target } = await within("a session with the right target", thread.session(listener));
    await Promise.all([client.closeWrite(), target.closeWrite()]);
    await thread.quiet();
  };
  await served(first);

  world.probes.answers.set("10.0.1.1:1", "failed");
  await world.until("the verdict turns", () => world.eventsOf("health").some(({ to }) => to === "down"));
  let seen = 0;
  const accepted = first.accept().then(() => seen++);
  for (let round = 0; round < 20; round++) await served(second);
  assert.equal(seen, 0, "the target that is down was sent a client");

  world.probes.answers.set("10.0.1.1:1", "passed");
  await world.until("it is up again", () => world.eventsOf("health").at(-1)?.to === "up");
  const client = thread.client();
  await eventually("it serves again", () => seen === 1);
  client.reset();
  await accepted;
  await thread.end();
  assert.equal(world.threads.snapshots.length, 1);
  assert.deepEqual(world.balancer.state().pools["app"]!.targets.map(({ total }) => total), [2, 20]);
});

Deno.test("a probe that says nothing about its target turns no verdict and is reported", async () => {
  await using world = await started();
  const epoch = world.shared.pools.epoch(world.pool().slot);
  world.probes.answers.set("10.0.1.1:1", "inconclusive");
  await world.until("that is reported", () => world.eventsOf("inconclusive").length > 0);
  assert.deepEqual(world.eventsOf("inconclusive"), [{
    kind: "inconclusive",
    pool: "app",
    target: "10.0.1.1:1",
    detail: "10.0.1.1:1 inconclusive",
  }]);
  assert.equal(world.shared.pools.epoch(world.pool().slot), epoch);
  assert.equal(world.balancer.state().pools["app"]?.targets[0]?.state, "up");
});

Deno.test("the verdict of a target that only a reload under way knows reaches shared memory when it is published", async () => {
  await using world = await started();
  world.probes.answers.set("10.0.1.1:9", "failed");
  const next = file.replace(`"10.0.1.1:2"`, `"10.0.1.1:9"`);
  assert.equal((await world.reload(next)).kind, "reloaded");
  const states = world.pool().targets.map(({ slot }) => world.shared.targets.state(slot));
  assert.deepEqual(states, [stateBits.up, 0]);
});

Deno.test("a weight changes in shared memory with the reload that brings it", async () => {
  await using world = await started();
  const epoch = world.shared.pools.epoch(world.pool().slot);
  const next = file.replace(`"10.0.1.1:2"`, `{ address: "10.0.1.1:2", weight: 7 }`);
  assert.equal((await world.reload(next)).kind, "reloaded");
  assert.deepEqual(world.pool().targets.map(({ slot }) => world.shared.targets.weight(slot)), [1, 7]);
  assert.notEqual(world.shared.pools.epoch(world.pool().slot), epoch);
});
