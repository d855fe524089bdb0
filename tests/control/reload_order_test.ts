import assert from "node:assert/strict";
import { BalancerWorld, configOf } from "./balancer_world.ts";

const web = `web: { bind: "127.0.0.1:8080", pool: app }`;
const app = `app: { targets: ["10.0.0.1:1"] }`;

function file({ listeners = web, pools = app }: { listeners?: string; pools?: string } = {}): string {
  return `process: { workers: 2, maxConnections: 20 }\nlisteners: { ${listeners} }\npools: { ${pools} }\n`;
}

Deno.test("a start binds, then publishes, then accepts", async () => {
  await using world = new BalancerWorld(file());
  await world.start();
  assert.deepEqual(world.threads.calls, [
    "start portable",
    "bind 127.0.0.1:8080",
    "publish 1",
    "accept",
  ]);
  assert.equal(world.balancer.generation, 1);
});

Deno.test("a reload binds before it publishes, publishes before it accepts, and unbinds last", async () => {
  await using world = new BalancerWorld(file());
  await world.start();
  world.threads.calls.length = 0;
  const result = await world.reload(file({ listeners: `web: { bind: "127.0.0.1:9090", pool: app }` }));
  assert.equal(result.kind, "reloaded");
  assert.deepEqual(world.threads.calls, [
    "bind 127.0.0.1:9090",
    "publish 2",
    "accept",
    "unbind 127.0.0.1:8080",
  ]);
  assert.equal(world.balancer.generation, 2);
});

Deno.test("a listener that stays is neither bound nor unbound when others come and go", async () => {
  await using world = new BalancerWorld(
    file({ listeners: `${web}, old: { bind: "127.0.0.1:1", pool: app }` }),
  );
  await world.start();
  world.threads.calls.length = 0;
  const listeners = `${web}, new: { bind: ["127.0.0.1:2", "unix:/run/a.sock"], pool: app }`;
  assert.equal((await world.reload(file({ listeners }))).kind, "reloaded");
  assert.deepEqual(world.threads.calls, [
    "bind 127.0.0.1:2 unix:/run/a.sock",
    "publish 2",
    "accept",
    "unbind 127.0.0.1:1",
  ]);
});

Deno.test("a bind that passes from one listener to another is neither bound nor unbound", async () => {
  await using world = new BalancerWorld(file());
  await world.start();
  world.threads.calls.length = 0;
  assert.equal((await world.reload(file({ listeners: web.replace("web", "api") }))).kind, "reloaded");
  assert.deepEqual(world.threads.calls, ["publish 2", "accept"]);
  assert.deepEqual(world.snapshot.listeners.map(({ name, binds }) => [name, binds]), [
    ["api", ["127.0.0.1:8080"]],
  ]);
});

Deno.test("a bind of port 0 keeps the port that it got for as long as its listener asks for it", async () => {
  await using world = new BalancerWorld(file({ listeners: `web: { bind: "127.0.0.1:0", pool: app }` }));
  await world.start();
  const before = world.balancer.state().listeners["web"]?.bind;
  assert.match(before?.[0] ?? "", /^127\.0\.0\.1:4\d{4}$/);
  world.threads.calls.length = 0;
  await world.reload(file({ listeners: `web: { bind: "127.0.0.1:0", pool: app, maxConnections: 5 }` }));
  assert.deepEqual(world.threads.calls, ["publish 2", "accept"]);
  assert.deepEqual(world.balancer.state().listeners["web"]?.bind, before);
});

Deno.test("a reload publishes once each new target has had its first probe, and the old ones serve until then", async () => {
  await using world = new BalancerWorld(file());
  await world.start();
  world.probes.answers.set("10.0.0.2:1", "silent");
  const next = file({ pools: `app: { targets: ["10.0.0.2:1"] }` });
  const reloading = world.reload(next);
  await world.until("the new target is probed", () => world.probes.countOf("10.0.0.2:1") > 0);
  assert.equal(world.threads.snapshots.length, 1);
  assert.equal(world.balancer.state().pools["app"]?.targets[0]?.address, "10.0.0.1:1");
  assert.equal(world.shared.targets.state(world.target("10.0.0.1:1").slot), 1, "the old target is up");
  assert.equal(world.balancer.generation, 1);
  world.probes.answers.set("10.0.0.2:1", "passed");
  assert.equal((await reloading).kind, "reloaded");
  assert.equal(world.shared.targets.state(world.target("10.0.0.2:1").slot), 1, "the new target is up");
});

Deno.test("a start publishes once each target has had its first probe", async () => {
  await using world = new BalancerWorld(file());
  world.probes.answers.set("10.0.0.1:1", "silent");
  const starting = world.start();
  await world.until("the target is probed", () => world.probes.countOf("10.0.0.1:1") > 0);
  assert.deepEqual(world.threads.calls, ["start portable", "bind 127.0.0.1:8080"]);
  assert.equal(world.balancer.state().ready, false);
  world.probes.answers.set("10.0.0.1:1", "failed");
  await starting;
  assert.equal(world.balancer.state().pools["app"]?.targets[0]?.state, "down");
});

Deno.test("a reload of the same configuration is a new generation that changes nothing", async () => {
  await using world = new BalancerWorld(file());
  await world.start();
  const { pools, listeners } = world.snapshot;
  const probes = world.probes.asked.length;
  const result = await world.reload(file());
  assert.ok(result.kind === "reloaded");
  assert.deepEqual(result.change, {
    binds: { added: [], removed: [] },
    listeners: { added: [], removed: [], changed: [] },
    pools: { added: [], removed: [], changed: [] },
    targets: { added: [], removed: [], changed: [] },
    settings: [],
    afterRestart: [],
  });
  assert.deepEqual(world.snapshot, { ...world.snapshot, generation: 2, revision: 2, pools, listeners });
  assert.ok(world.probes.asked.length - probes <= 1, "no target is probed anew");
});

Deno.test("a target that stays keeps its slot and its verdict; a removed pool's name and slot may come back", async () => {
  const two = `app: { targets: ["10.0.0.1:1"] }, api: { targets: ["10.0.0.9:1"] }`;
  const both = `${web}, api: { bind: "127.0.0.1:2", pool: api }`;
  await using world = new BalancerWorld(file({ listeners: both, pools: two }));
  await world.start();
  const slots = () => [world.pool().slot, world.target("10.0.0.1:1").slot];
  const [before, api] = [slots(), world.pool("api").slot];
  await world.reload(file());
  assert.deepEqual(slots(), before);
  await world.reload(file({ listeners: both, pools: two }));
  assert.deepEqual([slots(), world.pool("api").slot], [before, api]);
});

Deno.test("keys that wait for a restart are named, and all others take effect", async () => {
  await using world = new BalancerWorld(file());
  await world.start();
  const result = await world.reload(
    file().replace("workers: 2, maxConnections: 20", "workers: 3, engine: portable, maxConnections: 10"),
  );
  assert.ok(result.kind === "reloaded");
  assert.deepEqual(result.change.afterRestart, ["process.engine", "process.workers"]);
  assert.equal(world.snapshot.process.maxConnections, 10);
  assert.equal(world.balancer.state().workers, 2);
});

Deno.test("a snapshot that was published is never changed by what follows", async () => {
  await using world = new BalancerWorld(file());
  const copies: unknown[] = [];
  const { threads } = world;
  const publish = threads.publish.bind(threads);
  threads.publish = (snapshot) => {
    copies.push(structuredClone(snapshot));
    publish(snapshot);
  };
  await world.start();
  const hashed =
    `app: { algorithm: sourceHash, targets: ["10.0.0.1:1", "pair.test:2"], resolve: { interval: 1s } }`;
  await world.reload(file({ pools: hashed }));
  world.resolver.answers.set("pair.test", ["10.0.0.9"]);
  await world.until("the name is known", () => world.threads.snapshots.length === 3);
  world.probes.answers.set("10.0.0.1:1", "failed");
  await world.until("a verdict turns", () => world.eventsOf("health").at(-1)?.to === "down");
  await world.reload(file());
  assert.equal(copies.length, 4);
  assert.deepEqual(world.threads.snapshots, copies);
});

Deno.test("a reload has ended once the addresses that it closes are free, so that the next one may bind them", async () => {
  await using world = new BalancerWorld(file());
  await world.start();
  const closed = Promise.withResolvers<void>();
  world.threads.onUnbind = () => closed.promise;
  let hasEnded = false;
  const reloading = world.balancer.reload(
    configOf(file({ listeners: `web: { bind: "127.0.0.1:9090", pool: app }` })),
  ).then(() => hasEnded = true);
  await world.until("it unbinds", () => world.threads.calls.at(-1) === "unbind 127.0.0.1:8080");
  await world.pass(1_000);
  assert.equal(hasEnded, false);
  closed.resolve();
  await world.run(reloading);
});
