import assert from "node:assert/strict";
import type { Target } from "../../lib/pool/target.ts";
import { BalancerWorld } from "./balancer_world.ts";

const file = `process: { workers: 2, maxConnections: 20 }
listeners: { web: { bind: "127.0.0.1:8080", pool: app } }
pools: { app: { targets: ["pair.test:80"], resolve: { interval: 10s } } }
`;

function at(...hosts: readonly string[]) {
  return hosts.map((host) => ({ kind: "tcp", host, port: 80 }));
}

/** The first address that a target's name stands for. */
function hostOf({ addresses: [address] }: Target): string | undefined {
  return address?.kind === "tcp" ? address.host : undefined;
}

function targetState(world: BalancerWorld) {
  const [target] = world.balancer.state().pools["app"]!.targets;
  const { resolved, problem, state } = target!;
  return { resolved, problem, state };
}

Deno.test("what a target's name stands for reaches the snapshot, the probes and the state", async () => {
  await using world = new BalancerWorld(file, { answers: { "pair.test": ["10.0.0.2", "10.0.0.3"] } });
  await world.start();
  assert.deepEqual(world.target("pair.test:80").addresses, at("10.0.0.2", "10.0.0.3"));
  assert.deepEqual(world.probes.asked, [{ name: "pair.test:80", addresses: ["10.0.0.2", "10.0.0.3"] }]);
  assert.deepEqual(targetState(world), { resolved: ["10.0.0.2", "10.0.0.3"], problem: null, state: "up" });
});

Deno.test("a name that stands for something else makes a new snapshot of the same generation, with the same slot", async () => {
  await using world = new BalancerWorld(file, { answers: { "pair.test": ["10.0.0.2"] } });
  await world.start();
  const { slot } = world.target("pair.test:80");
  world.threads.calls.length = 0;
  world.resolver.answers.set("pair.test", ["10.0.0.7"]);
  await world.until("a second snapshot", () => world.threads.snapshots.length === 2);
  assert.deepEqual(world.threads.calls, ["publish 2", "accept"]);
  assert.deepEqual([world.snapshot.revision, world.snapshot.generation], [2, 1]);
  assert.equal(world.balancer.generation, 1);
  assert.deepEqual(world.target("pair.test:80"), {
    ...world.target("pair.test:80"),
    slot,
    addresses: at("10.0.0.7"),
  });
  assert.deepEqual(world.eventsOf("name").at(-1), {
    kind: "name",
    host: "pair.test",
    addresses: ["10.0.0.7"],
    problem: undefined,
  });
  const probes = world.probes.asked.length;
  await world.until("a probe of the new address", () => world.probes.asked.length > probes);
  assert.deepEqual(world.probes.asked.at(-1)?.addresses, ["10.0.0.7"]);
});

Deno.test("a lookup that brings the same makes no snapshot", async () => {
  await using world = new BalancerWorld(file, { answers: { "pair.test": ["10.0.0.2", "10.0.0.3"] } });
  await world.start();
  world.resolver.answers.set("pair.test", ["10.0.0.3", "10.0.0.2"]);
  const lookups = world.resolver.asked.length;
  await world.until("more lookups", () => world.resolver.asked.length > lookups + 3);
  assert.equal(world.threads.snapshots.length, 1);
});

Deno.test("a lookup that fails keeps the last good addresses, and the state says the problem until one succeeds", async () => {
  await using world = new BalancerWorld(file, { answers: { "pair.test": ["10.0.0.2"] } });
  await world.start();
  world.resolver.answers.delete("pair.test");
  await world.until("the problem is known", () => targetState(world).problem !== null);
  assert.deepEqual(targetState(world), { resolved: ["10.0.0.2"], problem: "host not found", state: "up" });
  assert.equal(world.threads.snapshots.length, 1);
  assert.deepEqual(world.eventsOf("name").at(-1)?.problem, "host not found");
  world.resolver.answers.set("pair.test", ["10.0.0.2"]);
  await world.until("the problem is gone", () => targetState(world).problem === null);
  assert.equal(world.threads.snapshots.length, 1);
});

Deno.test("a name that stands for nothing is a target that is down with the cause, and lb starts all the same", async () => {
  await using world = new BalancerWorld(file);
  await world.start();
  assert.deepEqual(world.target("pair.test:80").addresses, []);
  assert.deepEqual(targetState(world), { resolved: [], problem: "host not found", state: "down" });
  assert.deepEqual(world.eventsOf("health").map(({ to, detail }) => [to, detail]), [[
    "down",
    "host not found",
  ]]);
  assert.equal(world.balancer.state().ready, false);
  world.resolver.answers.set("pair.test", ["10.0.0.2"]);
  await world.until("it is up once it stands for something", () => world.balancer.state().ready);
  assert.deepEqual(world.target("pair.test:80").addresses, at("10.0.0.2"));
  assert.equal(world.shared.targets.state(world.target("pair.test:80").slot), 1);
});

Deno.test("a resolver that never answers delays a start by two seconds at the most", async () => {
  await using world = new BalancerWorld(file, { answers: { "pair.test": "silent" } });
  const before = world.clock.now();
  await world.start();
  // And the steps of the fake clock.
  assert.ok(world.clock.now() - before < 3_000, `${world.clock.now() - before} ms`);
  assert.deepEqual(targetState(world), { resolved: [], problem: "not looked up yet", state: "down" });
});

Deno.test("without probes a target is up from its first address on", async () => {
  const unprobed = file.replace("resolve:", "health: none, resolve:");
  await using world = new BalancerWorld(unprobed);
  await world.start();
  assert.equal(targetState(world).state, "down");
  world.resolver.answers.set("pair.test", ["10.0.0.2"]);
  await world.until("it is up", () => world.balancer.state().ready);
  assert.equal(world.shared.targets.state(world.target("pair.test:80").slot), 1);
});

Deno.test("names that change while a reload is under way are taken over with it or after it, never in its midst", async () => {
  await using world = new BalancerWorld(file, { answers: { "pair.test": ["10.0.0.2"] } });
  await world.start();
  world.probes.answers.set("10.0.0.9:1", "silent");
  const next = file.replace(`"pair.test:80"`, `"pair.test:80", "10.0.0.9:1"`);
  const reloading = world.reload(next);
  await world.until("the new target is probed", () => world.probes.countOf("10.0.0.9:1") > 0);
  world.resolver.answers.set("pair.test", ["10.0.0.7"]);
  // Held until the name has changed: the first round waits for no probe longer than three times its guard.
  const known = () => world.eventsOf("name").some(({ addresses }) => addresses[0] === "10.0.0.7");
  const published: number[] = [];
  await world.until("the name has changed", () => {
    if (!known()) published.push(world.threads.snapshots.length);
    return known();
  });
  world.probes.answers.set("10.0.0.9:1", "passed");
  assert.equal((await reloading).kind, "reloaded");
  await world.until(
    "the new address is published",
    () => hostOf(world.target("pair.test:80")) === "10.0.0.7",
  );
  assert.deepEqual(world.threads.snapshots.map(({ generation }) => generation).toSorted(), [1, 2, 2]);
});

Deno.test("several names that change in one moment make one snapshot", async () => {
  const two = file.replace(`"pair.test:80"`, `"a.test:80", "b.test:80"`);
  await using world = new BalancerWorld(two, { answers: { "a.test": ["10.0.0.2"], "b.test": ["10.0.0.3"] } });
  await world.start();
  const hosts = () => world.pool().targets.map(hostOf);
  world.resolver.answers.set("a.test", ["10.0.1.2"]);
  world.resolver.answers.set("b.test", ["10.0.1.3"]);
  // Longer than both intervals, in one step of the clock.
  await world.clock.advance(15_000);
  await world.until("both are published", () => hosts().join() === "10.0.1.2,10.0.1.3");
  assert.equal(world.threads.snapshots.length, 2);
});

Deno.test("names that change one after the other, but within a moment, make one snapshot", async () => {
  const two = file.replace(`"pair.test:80"`, `"a.test:80", "b.test:80"`);
  await using world = new BalancerWorld(two, { answers: { "a.test": ["10.0.0.2"], "b.test": ["10.0.0.3"] } });
  // The second is looked up 20 ms behind the first.
  const draws = [0.5, 0.51];
  world.random = () => draws.shift() ?? 0.5;
  await world.start();
  world.resolver.answers.set("a.test", ["10.0.1.2"]);
  world.resolver.answers.set("b.test", ["10.0.1.3"]);
  // In steps, between which all else that is due happens.
  for (let step = 0; step < 2_000; step++) await world.pass(10);
  assert.deepEqual(world.pool().targets.map(hostOf), ["10.0.1.2", "10.0.1.3"]);
  assert.equal(world.threads.snapshots.length, 2);
});
