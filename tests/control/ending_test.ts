import assert from "node:assert/strict";
import { drainThreads, stopThreads } from "../../lib/control/ending.ts";
import type { ThreadGroup } from "../../lib/control/threads.ts";
import { within } from "../support/eventually.ts";
import { BalancerWorld } from "./balancer_world.ts";

type Cut = Parameters<ThreadGroup["cut"]>[0];

/** Far more than what is waited for a thread that hangs, and far less than for ever. */
const bound = { maxMs: 15_000 };

/** Threads whose drain ends when `end` is called, or when they are terminated. */
class EndingThreads {
  readonly calls: string[] = [];
  readonly cuts: Cut[] = [];
  readonly #ended = Promise.withResolvers<void>();

  drain(): Promise<void> {
    this.calls.push("drain");
    return this.#ended.promise;
  }

  cut(command: Cut): void {
    this.calls.push("cut");
    this.cuts.push(command);
  }

  terminate(): void {
    this.calls.push("terminate");
  }

  end(): void {
    this.#ended.resolve();
  }
}

Deno.test("a stop cuts, gives the threads a moment for their records, and terminates them", async () => {
  const threads = new EndingThreads();
  threads.end();
  await stopThreads(threads);
  assert.deepEqual(threads.calls, ["cut", "drain", "terminate"]);
  assert.deepEqual(threads.cuts, [{ reason: "killed", spreadMs: 0 }]);
});

Deno.test("a stop does not wait for a thread that hangs", async () => {
  const threads = new EndingThreads();
  await within("the end of the stop", stopThreads(threads), bound);
  assert.deepEqual(threads.calls, ["cut", "drain", "terminate"]);
});

Deno.test("a drain whose sessions end in time cuts none", async () => {
  const threads = new EndingThreads();
  threads.end();
  await drainThreads(threads, { delayMs: 0, deadlineMs: 60_000, closeSpreadMs: 1_000 });
  assert.deepEqual(threads.calls, ["drain"]);
});

Deno.test("a drain cuts at its deadline what is left, spread, and then waits for it to end", async () => {
  const threads = new EndingThreads();
  const cut = threads.cut.bind(threads);
  threads.cut = (command) => {
    cut(command);
    threads.end();
  };
  await within(
    "the end of the drain",
    drainThreads(threads, { delayMs: 0, deadlineMs: 20, closeSpreadMs: 30 }),
    bound,
  );
  assert.deepEqual(threads.calls, ["drain", "cut"]);
  assert.deepEqual(threads.cuts, [{ reason: "drain_deadline", spreadMs: 30 }]);
});

Deno.test("a drain with a thread that hangs ends some seconds after the last session was to be cut, not before", async () => {
  const threads = new EndingThreads();
  const startedAt = performance.now();
  await within(
    "the end of the drain",
    drainThreads(threads, { delayMs: 0, deadlineMs: 50, closeSpreadMs: 300 }),
    bound,
  );
  assert.ok(performance.now() - startedAt >= 350, "sessions were given up before their time");
  assert.deepEqual(threads.calls, ["drain", "cut"]);
});

Deno.test("a drain without a deadline ends with the last session, and nothing is cut", async () => {
  const threads = new EndingThreads();
  const drained = drainThreads(threads, { delayMs: 0, deadlineMs: Infinity, closeSpreadMs: 0 });
  assert.equal(
    await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, 50, "waits"))]),
    "waits",
  );
  threads.end();
  await drained;
  assert.deepEqual(threads.calls, ["drain"]);
});

const file = `process: { workers: 2, maxConnections: 20, drain: { deadline: 50ms, closeSpread: 50ms } }
listeners: { web: { bind: "127.0.0.1:8080", pool: app } }
pools: { app: { targets: ["10.0.0.1:1"] } }
`;

Deno.test("a balancer whose threads hang stops all the same", async () => {
  await using world = new BalancerWorld(file);
  await world.start();
  world.threads.hangs = true;
  world.threads.calls.length = 0;
  await within("the end of the stop", world.balancer.stop(), bound);
  assert.deepEqual(world.threads.calls, ["cut killed", "drain", "terminate"]);
});

Deno.test("a balancer whose threads hang drains with the deadline in force, and is not ready meanwhile", async () => {
  await using world = new BalancerWorld(file.replaceAll("50ms", "1h"));
  await world.start();
  assert.equal((await world.reload(file)).kind, "reloaded");
  world.threads.hangs = true;
  world.threads.calls.length = 0;
  const draining = world.balancer.drain();
  const { ready, draining: isDraining } = world.balancer.state();
  assert.deepEqual([ready, isDraining], [false, true]);
  await within("the end of the drain", draining, bound);
  assert.deepEqual(world.threads.calls, [
    "drain",
    "cut drain_deadline",
    "cut killed",
    "drain",
    "terminate",
  ]);
});

Deno.test("while it drains, a balancer takes over no name and no configuration, but goes on with its probes", async () => {
  const named = file.replace(`"10.0.0.1:1"`, `"pair.test:1"`).replaceAll("50ms", "1h");
  await using world = new BalancerWorld(named, { answers: { "pair.test": ["10.0.0.1"] } });
  await world.start();
  world.threads.hangs = true;
  const draining = world.balancer.drain();
  world.resolver.answers.set("pair.test", ["10.0.0.2"]);
  world.probes.answers.set("pair.test:1", "failed");
  await world.until("the verdict turns", () => world.eventsOf("health").at(-1)?.to === "down");
  await world.until("the name changes", () => world.eventsOf("name").at(-1)?.addresses[0] === "10.0.0.2");
  const result = await world.reload(file);
  assert.deepEqual(result, { kind: "refused", problem: "lb is stopping" });
  assert.equal(world.threads.snapshots.length, 1);
  assert.equal(world.shared.targets.state(world.target("pair.test:1").slot), 0);
  world.threads.terminate();
  await draining;
});

Deno.test("a stop that follows a stop does nothing", async () => {
  await using world = new BalancerWorld(file);
  await world.start();
  await world.balancer.stop();
  const { length } = world.threads.calls;
  await world.balancer.stop();
  assert.equal(world.threads.calls.length, length);
});

Deno.test("a balancer that is stopped while it starts has started nothing", async () => {
  await using world = new BalancerWorld(file);
  world.probes.answers.set("10.0.0.1:1", "silent");
  const starting = world.run(world.balancer.start());
  await world.until("it waits for its first probe", () => world.probes.asked.length > 0);
  await world.balancer.stop();
  assert.equal(await starting, "stopped");
  assert.equal(world.threads.snapshots.length, 0);
});

Deno.test("a balancer that is stopped while its engine is chosen starts no thread and looks nothing up", async () => {
  await using world = new BalancerWorld(file.replace("10.0.0.1", "pair.test"));
  const chosen = Promise.withResolvers<void>();
  world.engineChosen = chosen.promise;
  const starting = world.run(world.balancer.start());
  await world.balancer.stop();
  chosen.resolve();
  assert.equal(await starting, "stopped");
  assert.deepEqual(world.threads.calls, ["cut killed", "drain", "terminate"]);
  assert.deepEqual(world.resolver.asked, []);
  assert.equal(world.clock.waiting, 0, "timers are left");
});

Deno.test("a reload after the stop is refused and looks nothing up", async () => {
  await using world = new BalancerWorld(file);
  await world.start();
  await world.balancer.stop();
  const result = await world.reload(file.replace("10.0.0.1", "pair.test"));
  assert.deepEqual(result, { kind: "refused", problem: "lb is stopping" });
  assert.deepEqual(world.resolver.asked, []);
  assert.equal(world.clock.waiting, 0, "timers are left");
});

Deno.test("a stop during a stop ends with that, not before", async () => {
  await using world = new BalancerWorld(file);
  await world.start();
  world.threads.hangs = true;
  const stopping = world.balancer.stop();
  await within("the second stop", world.balancer.stop(), bound);
  assert.equal(world.threads.calls.at(-1), "terminate");
  await stopping;
});

Deno.test("a start that fails leaves nothing behind", async () => {
  await using world = new BalancerWorld(file.replace("127.0.0.1", "nowhere.test"));
  await assert.rejects(world.run(world.balancer.start()), /host not found/);
  assert.deepEqual(world.threads.calls, ["start portable", "cut killed", "drain", "terminate"]);
  assert.equal(world.clock.waiting, 0, "timers are left");
});
