import assert from "node:assert/strict";
import { Ending } from "../../lib/control/ending.ts";
import type { BalancerEvent } from "../../lib/control/events.ts";
import type { Cut, Drained } from "../../lib/dataplane/messages.ts";
import { FakeClock } from "../health/support/fake_clock.ts";
import { BalancerWorld } from "./balancer_world.ts";

/** Threads whose drain ends when `end` is called, or when they are given up or terminated; then `left` sessions are lost. */
class EndingThreads {
  readonly calls: string[] = [];
  readonly cuts: Cut[] = [];
  left = 3;
  readonly #ended = Promise.withResolvers<Drained>();

  drain(giveUp: AbortSignal): Promise<Drained> {
    this.calls.push("drain");
    giveUp.addEventListener("abort", () => this.#giveUp(), { once: true });
    return this.#ended.promise;
  }

  cut(cut: Cut): void {
    this.calls.push(`cut ${cut.reason}`);
    this.cuts.push(cut);
  }

  terminate(): void {
    this.calls.push("terminate");
    this.#giveUp();
  }

  end(drained: Drained): void {
    this.#ended.resolve(drained);
  }

  #giveUp(): void {
    this.#ended.resolve({ ended: 0, cut: this.left });
  }
}

/** An end on a clock that a test moves, and everything that happens in it with the time when. */
class EndingWorld {
  readonly clock = new FakeClock();
  readonly threads = new EndingThreads();
  readonly events: [at: number, BalancerEvent][] = [];
  /** How often it was told that the end begins, and whether what the main thread does was closed. */
  told = 0;
  isClosed = false;
  /** When the drain or the stop was over. */
  endedAt: number | undefined;
  readonly ending = new Ending({
    threads: this.threads,
    clock: this.clock,
    openSessions: () => 7,
    onEvent: (event) => this.events.push([this.clock.now(), event]),
    onEnding: () => void this.told++,
    close: () => {
      this.isClosed = true;
      return Promise.resolve();
    },
  });

  drain(rules: Partial<Parameters<Ending["drain"]>[0]>): void {
    this.#follow(this.ending.drain({ delayMs: 0, deadlineMs: 60_000, closeSpreadMs: 5_000, ...rules }));
  }

  stop(): void {
    this.#follow(this.ending.stop());
  }

  /** What has happened, each with its time. */
  get kinds(): string[] {
    return this.events.map(([at, { kind }]) => `${at} ${kind}`);
  }

  #follow(work: Promise<void>): void {
    work.then(() => this.endedAt ??= this.clock.now());
  }
}

Deno.test("a stop cuts, gives the threads a moment for their records, terminates them, and closes the rest", async () => {
  const world = new EndingWorld();
  world.threads.end({ ended: 0, cut: 7 });
  world.stop();
  assert.equal(world.ending.isStopped, true);
  await world.clock.advance(0);
  assert.deepEqual(world.threads.calls, ["cut killed", "drain", "terminate"]);
  assert.deepEqual(world.threads.cuts, [{ reason: "killed", spreadMs: 0 }]);
  assert.deepEqual([world.endedAt, world.isClosed, world.kinds], [0, true, []]);
  assert.equal(world.clock.waiting, 0, "timers are left");
});

Deno.test("a stop does not wait for a thread that hangs for longer than half a second", async () => {
  const world = new EndingWorld();
  world.stop();
  await world.clock.advance(499);
  assert.equal(world.endedAt, undefined);
  await world.clock.advance(1);
  assert.equal(world.endedAt, 500);
  assert.deepEqual(world.threads.calls, ["cut killed", "drain", "terminate"]);
});

Deno.test("a drain whose sessions end in time cuts none, and says how many ended", async () => {
  const world = new EndingWorld();
  world.drain({});
  assert.equal(world.ending.isDraining, true);
  await world.clock.advance(59_999);
  assert.deepEqual(world.threads.calls, ["drain"]);
  world.threads.end({ ended: 7, cut: 0 });
  await world.clock.advance(0);
  assert.equal(world.endedAt, 59_999);
  assert.deepEqual(world.threads.calls, ["drain", "cut killed", "drain", "terminate"]);
  assert.deepEqual(world.events, [
    [0, { kind: "draining", open: 7, deadlineMs: 60_000, spreadMs: 5_000 }],
    [59_999, { kind: "drained", ended: 7, cut: 0 }],
  ]);
  assert.equal(world.clock.waiting, 0, "timers are left");
});

Deno.test("a drain cuts at its deadline what is left, spread, and then waits for it to end", async () => {
  const world = new EndingWorld();
  world.drain({});
  await world.clock.advance(60_000);
  assert.deepEqual(world.threads.cuts, [{ reason: "drain_deadline", spreadMs: 5_000 }]);
  await world.clock.advance(4_000);
  assert.equal(world.endedAt, undefined);
  world.threads.end({ ended: 4, cut: 3 });
  await world.clock.advance(0);
  assert.equal(world.endedAt, 64_000);
  assert.deepEqual(world.events.at(-1), [64_000, { kind: "drained", ended: 4, cut: 3 }]);
});

Deno.test("during its delay a drain touches no thread, and the deadline counts from its end", async () => {
  const world = new EndingWorld();
  world.drain({ delayMs: 10_000 });
  await world.clock.advance(9_999);
  assert.deepEqual([world.threads.calls, world.ending.isDraining, world.told], [[], true, 1]);
  await world.clock.advance(60_000);
  assert.deepEqual([world.threads.calls, world.kinds], [["drain"], ["0 drainDelayed", "10000 draining"]]);
  await world.clock.advance(1);
  assert.deepEqual(world.threads.calls, ["drain", "cut drain_deadline"]);
  world.threads.end({ ended: 0, cut: 7 });
  await world.clock.advance(0);
});

Deno.test("a drain with a thread that hangs ends two seconds behind the delay, the deadline and the spread, and counts what it lost", async () => {
  const world = new EndingWorld();
  world.drain({ delayMs: 1_000, deadlineMs: 50_000, closeSpreadMs: 300 });
  await world.clock.advance(1_000_000);
  assert.equal(world.endedAt, 1_000 + 50_000 + 300 + 2_000);
  assert.deepEqual(world.threads.calls, ["drain", "cut drain_deadline", "cut killed", "drain", "terminate"]);
  assert.deepEqual(world.events.at(-1)?.[1], { kind: "drained", ended: 0, cut: 3 });
});

Deno.test("a drain without a deadline ends with the last session, and nothing is cut", async () => {
  const world = new EndingWorld();
  world.drain({ deadlineMs: Infinity });
  await world.clock.advance(1_000_000_000);
  assert.deepEqual([world.endedAt, world.threads.calls], [undefined, ["drain"]]);
  world.threads.end({ ended: 7, cut: 0 });
  await world.clock.advance(0);
  assert.equal(world.endedAt, 1_000_000_000);
  assert.deepEqual(world.events[0]?.[1], {
    kind: "draining",
    open: 7,
    deadlineMs: Infinity,
    spreadMs: 5_000,
  });
});

for (
  const { step, ms, before } of [
    { step: "its delay", ms: 500, before: [] },
    { step: "its sessions end", ms: 5_000, before: ["drain"] },
    { step: "the rest is being cut", ms: 12_000, before: ["drain", "cut drain_deadline"] },
  ]
) {
  Deno.test(`a stop while a drain is in ${step} ends it at once, without a line of what it came to`, async () => {
    const world = new EndingWorld();
    world.drain({ delayMs: 2_000, deadlineMs: 9_000, closeSpreadMs: 5_000 });
    await world.clock.advance(ms);
    world.stop();
    await world.clock.advance(500);
    assert.equal(world.endedAt, ms + 500);
    assert.deepEqual(world.threads.calls, [...before, "cut killed", "drain", "terminate"]);
    assert.ok(world.events.every(([, { kind }]) => kind !== "drained"));
    assert.equal(world.clock.waiting, 0, "timers are left");
  });
}

Deno.test("a second drain is the first one, and a drain behind a stop is the stop", async () => {
  const world = new EndingWorld();
  world.drain({});
  world.drain({ deadlineMs: 1 });
  await world.clock.advance(1_000);
  assert.deepEqual(world.threads.calls, ["drain"]);
  world.stop();
  world.drain({});
  await world.clock.advance(500);
  assert.deepEqual(world.threads.calls, ["drain", "cut killed", "drain", "terminate"]);
  const stopped = new EndingWorld();
  stopped.stop();
  stopped.drain({});
  await stopped.clock.advance(500);
  assert.deepEqual([stopped.kinds, stopped.ending.isDraining], [[], false]);
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
  await world.run(world.balancer.stop());
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
  await world.run(draining);
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

Deno.test("in the delay of a drain a balancer is not ready, refuses reloads, and accepts on until its time is over", async () => {
  const delayed = file.replace("deadline: 50ms", "delay: 10s, deadline: 1m");
  await using world = new BalancerWorld(delayed);
  await world.start();
  world.threads.calls.length = 0;
  world.threads.drained = { ended: 5, cut: 2 };
  const draining = world.balancer.drain();
  const { ready, draining: isDraining } = world.balancer.state();
  assert.deepEqual([ready, isDraining], [false, true]);
  assert.deepEqual(await world.reload(file), { kind: "refused", problem: "lb is stopping" });
  await world.pass(9_000);
  assert.deepEqual(world.threads.calls, []);
  await world.run(draining);
  assert.deepEqual(world.threads.calls, ["drain", "cut killed", "drain", "terminate"]);
  assert.deepEqual(
    world.events.filter(({ kind }) => kind.startsWith("drain")),
    [
      { kind: "drainDelayed", delayMs: 10_000 },
      { kind: "draining", open: 0, deadlineMs: 60_000, spreadMs: 50 },
      { kind: "drained", ended: 5, cut: 2 },
    ],
  );
});

Deno.test("a balancer that is to drain while it starts is stopped, whatever its delay, and has started nothing", async () => {
  await using world = new BalancerWorld(file.replace("deadline: 50ms", "delay: 1h, deadline: none"));
  world.probes.answers.set("10.0.0.1:1", "silent");
  const starting = world.run(world.balancer.start());
  await world.until("it waits for its first probe", () => world.probes.asked.length > 0);
  await world.balancer.drain();
  assert.equal(await starting, "stopped");
  assert.equal(world.threads.snapshots.length, 0);
  assert.deepEqual(world.events.filter(({ kind }) => kind.startsWith("drain")), []);
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
  await world.run(world.balancer.stop());
  assert.equal(world.threads.calls.at(-1), "terminate");
  await stopping;
});

Deno.test("a start that fails leaves nothing behind", async () => {
  await using world = new BalancerWorld(file.replace("127.0.0.1", "nowhere.test"));
  await assert.rejects(world.run(world.balancer.start()), /host not found/);
  assert.deepEqual(world.threads.calls, ["start portable", "cut killed", "drain", "terminate"]);
  assert.equal(world.clock.waiting, 0, "timers are left");
});
