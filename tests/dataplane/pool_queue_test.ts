import assert from "node:assert/strict";
import { PoolQueue } from "../../lib/dataplane/pool_queue.ts";
import type { Picked } from "../../lib/pool/pool.ts";
import type { Waited } from "../../lib/session/waiting.ts";
import { allocateMemory } from "../../lib/shared/layout.ts";
import { Permits } from "../../lib/shared/permits.ts";
import { QueueHeads } from "../../lib/shared/queue_heads.ts";
import { type Shared, sharedViews } from "../../lib/shared/shared.ts";
import { poolOf, specOf, target, writeStates } from "../pool/pool_fixture.ts";
import { Pool } from "../../lib/pool/pool.ts";

/** Timers that run when a test says so. */
class ManualEngine {
  nowMs = 1_000;
  readonly #timers = new Map<() => void, number>();

  now(): number {
    return this.nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    this.#timers.set(callback, this.nowMs + ms);
    return () => void this.#timers.delete(callback);
  }

  get pending(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    this.nowMs += ms;
    for (const [callback, dueAt] of [...this.#timers]) {
      if (dueAt > this.nowMs) continue;
      this.#timers.delete(callback);
      callback();
    }
  }
}

/** Threads with a line each in front of the same pool, on one clock. */
class Threads {
  readonly memory;
  readonly shared: Shared;
  readonly engines: readonly ManualEngine[];
  readonly queues: readonly PoolQueue[];
  readonly served: string[] = [];
  readonly #a;

  constructor(count: number, { maxConnections = 1, queueSize = 1_000, weight = 1, holdMs = Infinity } = {}) {
    this.memory = allocateMemory(count, { slots: 256, pools: 4 });
    this.shared = sharedViews(this.memory);
    this.#a = target("a", 0, { maxConnections, weight });
    writeStates(this.shared, [this.#a]);
    this.engines = Array.from({ length: count }, () => new ManualEngine());
    this.queues = this.engines.map((engine, thread) => {
      const pool = new Pool({ ...specOf("first", [this.#a]), queueSize, holdMs }, {
        shared: this.shared,
        random: () => 0,
      });
      const permits = new Permits({ permits: this.memory.queued }, this.memory.heldQueued[thread]);
      return new PoolQueue(pool, { engine, thread, slot: 0, permits, heads: new QueueHeads(this.memory) });
    });
  }

  /** A client that waits in a thread; what became of it goes into `served` under its name. */
  wait(
    thread: number,
    name: string,
    { queueMs = Infinity } = {},
  ): { leave: () => void; ended: Promise<Waited> } {
    const queue = this.queues[thread]!;
    let leave = () => {};
    const ended = queue.wait({
      client: { whenGone: (callback) => ((leave = callback), () => {}) },
      queueMs,
      ask: (): Picked => queue.pool.take({ client: { remoteHost: "192.0.2.1" }, tried: [] }),
    });
    ended.then((waited) => {
      const outcome = waited.kind === "over" ? waited.reason : waited.kind;
      this.served.push(waited.kind === "target" ? name : `${name} ${outcome}`);
    });
    return { leave: () => leave(), ended };
  }

  /** Time passes for the threads given, all of them by default. */
  async pass(ms: number, threads = this.engines): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      for (const engine of this.engines) {
        if (threads.includes(engine)) engine.advance(1);
        else engine.nowMs++;
      }
      await Promise.resolve();
    }
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
  }

  take(): void {
    assert.ok(this.shared.permits.acquire(0, 1));
  }

  release(thread: number): void {
    this.shared.permits.release(0);
    this.queues[thread]!.released();
  }

  setServing(serving: boolean): void {
    writeStates(this.shared, [{ ...this.#a, serving }]);
  }

  get queued(): number {
    return this.memory.queued[0]!;
  }
}

Deno.test("a permit that comes back in a thread goes to the first in its line at once, without a tick", async () => {
  const threads = new Threads(1);
  threads.take();
  threads.wait(0, "one");
  threads.wait(0, "two");
  await threads.pass(20);
  assert.deepEqual(threads.served, []);
  threads.release(0);
  await threads.pass(0);
  assert.deepEqual([threads.served, threads.queued], [["one"], 1]);
});

Deno.test("a permit that another thread gives back is seen within a tick, and the longest wait comes first", async () => {
  const threads = new Threads(2);
  threads.take();
  threads.wait(1, "first");
  await threads.pass(30);
  threads.wait(0, "second");
  await threads.pass(30);
  // Thread 0 gives it back, but somebody in thread 1 has waited 30 ms longer.
  threads.release(0);
  await threads.pass(0);
  assert.deepEqual(threads.served, []);
  await threads.pass(10);
  assert.deepEqual(threads.served, ["first"]);
  threads.release(1);
  await threads.pass(10);
  assert.deepEqual(threads.served, ["first", "second"]);
});

Deno.test("of clients that came within ten milliseconds a thread serves its own first", async () => {
  const threads = new Threads(2);
  threads.take();
  threads.wait(1, "earlier");
  await threads.pass(5);
  threads.wait(0, "own");
  await threads.pass(20);
  threads.release(0);
  await threads.pass(0);
  assert.deepEqual(threads.served, ["own"]);
});

Deno.test("a thread that stands still does not hold up the clients of the others", async () => {
  const threads = new Threads(2);
  threads.take();
  threads.wait(1, "of the thread that stands still");
  await threads.pass(20);
  threads.wait(0, "of the other");
  await threads.pass(100, [threads.engines[0]!]);
  threads.release(0);
  await threads.pass(0);
  assert.deepEqual(threads.served, ["of the other"]);
});

Deno.test("the line is as long as the pool allows, all threads together", async () => {
  const threads = new Threads(2, { queueSize: 3 });
  threads.take();
  for (const thread of [0, 1, 0]) threads.wait(thread, "waits");
  assert.deepEqual(await threads.wait(1, "refused").ended, { kind: "full" });
  assert.equal(threads.queued, 3);
});

Deno.test("each client is refused when its own limit is over, whoever stands before it", async () => {
  const threads = new Threads(1);
  threads.take();
  threads.wait(0, "patient");
  threads.wait(0, "impatient", { queueMs: 20 });
  threads.wait(0, "less so", { queueMs: 60 });
  await threads.pass(30);
  assert.deepEqual(threads.served, ["impatient queue_timeout"]);
  await threads.pass(40);
  assert.deepEqual([threads.served, threads.queued], [
    ["impatient queue_timeout", "less so queue_timeout"],
    1,
  ]);
});

Deno.test("a line that nobody stands in costs no timer", async () => {
  const threads = new Threads(1);
  threads.take();
  const { leave } = threads.wait(0, "one");
  leave();
  await threads.pass(20);
  assert.deepEqual([threads.served, threads.queued, threads.engines[0]!.pending], [["one gone"], 0, 0]);
});

Deno.test("who was held while there was no target comes in some at a time, fewer to a target that starts slowly", async () => {
  const served = async (share: number) => {
    const threads = new Threads(1, { maxConnections: Infinity });
    threads.setServing(false);
    for (let index = 0; index < 100; index++) threads.wait(0, String(index));
    await threads.pass(99);
    assert.equal(threads.queued, 100);
    threads.setServing(true);
    threads.shared.targets.set(0, { state: 1, weight: share, share });
    threads.shared.pools.advanceEpoch(0);
    await threads.pass(30);
    assert.deepEqual(threads.served, Array.from(threads.served, (_, index) => String(index)));
    return threads.served.length;
  };
  const [whole, tenth] = [await served(1), await served(0.1)];
  assert.ok(whole >= 20 && whole <= 60, `a whole target got ${whole} of 100 in four ticks`);
  assert.ok(tenth >= 1 && tenth * 5 <= whole, `a tenth of one got ${tenth}`);
});

Deno.test("a client that has tried all that is well lets those behind it pass", async () => {
  const threads = new Threads(1);
  threads.take();
  const queue = threads.queues[0]!;
  queue.wait({
    client: { whenGone: () => () => {} },
    queueMs: Infinity,
    ask: () => ({ kind: "none", reason: "tried" }),
  });
  threads.wait(0, "behind");
  threads.release(0);
  await threads.pass(0);
  assert.deepEqual([threads.served, threads.queued], [["behind"], 1]);
});

Deno.test("clients of a pool that was replaced by a reload are served by the new one", async () => {
  const threads = new Threads(1);
  threads.setServing(false);
  threads.wait(0, "one");
  await threads.pass(20);
  const added = target("b", 1);
  threads.queues[0]!.renew(poolOf("first", [added], { shared: threads.shared }));
  await threads.pass(100);
  assert.deepEqual(threads.served, ["one"]);
  assert.equal(threads.shared.permits.taken(1), 1);
});

Deno.test("however many come while a pool lets its clients in again, the line ends", async () => {
  const threads = new Threads(1, { maxConnections: Infinity });
  threads.setServing(false);
  for (let index = 0; index < 300; index++) threads.wait(0, "held");
  await threads.pass(50);
  threads.setServing(true);
  let ms = 0;
  for (; threads.queued > 0 && ms < 10_000; ms++) {
    // Two a millisecond, more than the pace begins with.
    for (let come = 0; come < 2; come++) threads.wait(0, "new");
    await threads.pass(1);
  }
  assert.ok(ms < 5_000, `${threads.queued} wait after ${ms} ms`);
  assert.ok(threads.served.every((outcome) => outcome === "held" || outcome === "new"));
});

Deno.test("with the first client that comes once there is a target again, the line moves", async () => {
  const threads = new Threads(1, { maxConnections: Infinity });
  threads.setServing(false);
  threads.wait(0, "held");
  await threads.pass(10);
  threads.setServing(true);
  await threads.pass(10);
  assert.deepEqual(threads.served, []);
  threads.wait(0, "comes");
  await threads.pass(10);
  assert.deepEqual(threads.served, ["held", "comes"]);
});

Deno.test("who was held comes in in the order of all threads, whenever each of them looks", async () => {
  const threads = new Threads(2);
  threads.setServing(false);
  threads.wait(1, "old");
  await threads.pass(60);
  threads.wait(0, "young");
  await threads.pass(90);
  threads.setServing(true);
  await threads.pass(30);
  assert.deepEqual(threads.served, []);
  await threads.pass(30);
  assert.deepEqual(threads.served, ["old"]);
});

Deno.test("a target that takes few sessions hands each place on at once, also while its pool lets its clients in again", async () => {
  const threads = new Threads(1);
  threads.setServing(false);
  for (let index = 0; index < 4; index++) threads.wait(0, String(index));
  await threads.pass(20);
  threads.setServing(true);
  await threads.pass(80);
  assert.deepEqual(threads.served, ["0"]);
  threads.release(0);
  await threads.pass(0);
  assert.deepEqual(threads.served, ["0", "1"]);
});

Deno.test("a line that has ended by itself while its pool was without a target paces nobody afterwards", async () => {
  const threads = new Threads(1, { maxConnections: Infinity });
  threads.setServing(false);
  const { leave } = threads.wait(0, "leaves");
  await threads.pass(20);
  leave();
  threads.setServing(true);
  for (let index = 0; index < 50; index++) threads.wait(0, "comes");
  threads.queues[0]!.released();
  await threads.pass(0);
  assert.equal(threads.queued, 0);
});

Deno.test("in line for a full target that goes down a client waits for the hold, and then for the queue, each from its beginning", async () => {
  const threads = new Threads(1, { holdMs: 200 });
  threads.take();
  const waiting = () => threads.queued === 1;
  threads.wait(0, "one", { queueMs: 100 });
  await threads.pass(80);
  threads.setServing(false);
  await threads.pass(150);
  assert.ok(waiting(), "the queue's limit was in force without a target");
  threads.setServing(true);
  await threads.pass(60);
  assert.ok(waiting(), "the time of the hold was counted for the queue");
  // No longer than for both, however often the target comes and goes.
  await threads.pass(30);
  assert.deepEqual(threads.served, ["one queue_timeout"]);
});

Deno.test("without hold, whoever is in line is refused when the last target goes down, as whoever comes then is", async () => {
  const threads = new Threads(1, { holdMs: 0 });
  threads.take();
  threads.wait(0, "one");
  await threads.pass(50);
  threads.setServing(false);
  await threads.pass(20);
  assert.deepEqual(threads.served, ["one no_target"]);
});

Deno.test("a client that has tried all that is well holds up no other thread", async () => {
  const threads = new Threads(2, { maxConnections: Infinity });
  threads.queues[1]!.wait({
    client: { whenGone: () => () => {} },
    queueMs: Infinity,
    ask: () => ({ kind: "none", reason: "tried" }),
  });
  await threads.pass(50);
  threads.wait(0, "of another thread");
  await threads.pass(20);
  assert.deepEqual(threads.served, ["of another thread"]);
});

Deno.test("a fault in the program that a client in line meets ends its wait alone", async () => {
  const threads = new Threads(1);
  threads.take();
  const faulty = threads.queues[0]!.wait({
    client: { whenGone: () => () => {} },
    queueMs: Infinity,
    ask: () => {
      throw new Error("a fault");
    },
  });
  threads.wait(0, "behind", { queueMs: 100 });
  const rejected = assert.rejects(faulty, /a fault/);
  threads.release(0);
  await rejected;
  assert.deepEqual([threads.served, threads.queued], [["behind"], 0]);
});

Deno.test("a pool that a reload removes lets its line go at once", async () => {
  const threads = new Threads(1);
  threads.setServing(false);
  threads.wait(0, "one");
  threads.queues[0]!.remove();
  await threads.pass(0);
  assert.deepEqual(threads.served, ["one no_target"]);
  assert.deepEqual(await threads.wait(0, "two").ended, { kind: "over", reason: "no_target" });
});
