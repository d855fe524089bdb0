import assert from "node:assert/strict";
import type { Death } from "../../lib/control/events.ts";
import { type TargetReport, ThreadBindError } from "../../lib/control/thread.ts";
import { Threads, ThreadsBusyError, type ThreadTimes } from "../../lib/control/threads.ts";
import type { Bind } from "../../lib/dataplane/messages.ts";
import { allocateMemory } from "../../lib/shared/layout.ts";
import { Permits } from "../../lib/shared/permits.ts";
import { Readers } from "../../lib/shared/readers.ts";
import { eventually, within } from "../support/eventually.ts";
import { snapshotOf } from "../support/plane_world.ts";

/** Of a drain that waits for as long as threads answer. */
const patient = new AbortController().signal;

/** Two threads that serve nobody and tell what they are told. Terminates them at its end. */
class ThreadsWorld implements Disposable {
  readonly memory = allocateMemory(2);
  readonly deaths: Death[] = [];
  readonly faults: string[] = [];
  readonly targetReports: TargetReport[] = [];
  /** "thread life: command", of both threads. */
  readonly told: string[] = [];
  readonly threads: Threads;
  /** Called for each line that is told. */
  onTold: (line: string) => void = () => {};
  /** Called at each death, before the thread is started again. */
  onDied: () => void = () => {};

  constructor(times: Partial<ThreadTimes> = {}) {
    this.threads = new Threads({
      count: 2,
      memory: this.memory,
      processSlot: 0,
      onEvents: ({ faults }) => {
        this.told.push(...faults);
        for (const line of faults) this.onTold(line);
      },
      onDeath: (death) => {
        this.deaths.push(death);
        this.onDied();
      },
      onTargetReport: (report) => this.targetReports.push(report),
      onFault: (detail) => this.faults.push(detail),
      module: new URL("./scripted_thread.ts", import.meta.url),
      times,
    });
  }

  async start(): Promise<void> {
    this.threads.open();
    await within("the start", this.threads.start("portable"));
  }

  /** Starts, binds what is given, publishes revision 1 and accepts. */
  async serve(...binds: readonly Bind[]): Promise<void> {
    await this.start();
    await this.bind(...binds);
    this.threads.publish(snapshotOf([], { revision: 1 }));
    this.threads.accept();
  }

  bind(...binds: readonly Bind[]): Promise<readonly Bind[]> {
    return within("the bind", this.threads.bind(binds));
  }

  /** Has a thread do what a word says. */
  say(word: string): Promise<void> {
    return this.threads.unbind([word]);
  }

  /** What the life of a thread was told, after its start. */
  lifeOf(thread: number, life: number): string[] {
    const name = `${thread} ${life}: `;
    return this.told.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length)).slice(1);
  }

  /** Kills a thread and waits until it serves again. */
  async killAndWait(thread: number): Promise<void> {
    const lives = this.deaths.length + 2;
    await this.say(`die ${thread}`);
    await eventually(`thread ${thread} serves again`, () => this.lifeOf(thread, lives).includes("accept"));
  }

  [Symbol.dispose](): void {
    this.threads.terminate();
  }
}

function bindOf(key: string, { port = 80, shared = true } = {}): Bind {
  return { key, address: { kind: "tcp", host: "127.0.0.1", port }, shared };
}

Deno.test("the first thread binds alone, and the others the port that it got, but for what cannot be shared", async () => {
  using world = new ThreadsWorld();
  await world.start();
  const socket: Bind = { key: "socket", address: { kind: "unix", path: "/nowhere/lb.sock" }, shared: false };
  const bound = await world.bind(bindOf("any", { port: 0 }), socket);
  assert.deepEqual(bound, [bindOf("any", { port: 4_711 }), socket]);
  assert.deepEqual(world.lifeOf(0, 1), ["bind any@0, socket@"]);
  assert.deepEqual(world.lifeOf(1, 1), ["bind any@4711"]);
});

Deno.test("a bind that fails in a later thread is undone in all of them", async () => {
  using world = new ThreadsWorld();
  await world.serve();
  await assert.rejects(world.bind(bindOf("a"), bindOf("refuse 1")), (error) => {
    assert.ok(error instanceof ThreadBindError);
    assert.deepEqual([error.key, error.failure], ["refuse 1", { code: "EADDRINUSE", message: "in use" }]);
    return true;
  });
  for (const thread of [0, 1]) assert.equal(world.lifeOf(thread, 1).at(-1), "unbind a, refuse 1");
  assert.equal(world.deaths.length, 0);
  // And a thread that starts again knows nothing of it.
  await world.killAndWait(1);
  assert.deepEqual(world.lifeOf(1, 2), ["bind ", "snapshot 1", "accept"]);
});

Deno.test("what a thread has seen of targets arrives as it was sent", async () => {
  using world = new ThreadsWorld();
  await world.serve();
  await world.say("see failures 1");
  await eventually("both reports", () => world.targetReports.length === 2);
  const [pool, target, cause] = ["app", "a:1", "connection refused"];
  assert.deepEqual(world.targetReports, [
    { type: "failing", targets: [{ pool, target, failures: 5, cause }] },
    { type: "trial", trial: 1, pool, target, passed: false, cause },
  ]);
});

Deno.test("a thread that dies is started again with what is bound and in force by then", async () => {
  using world = new ThreadsWorld();
  await world.serve(bindOf("a"), bindOf("b"));
  await world.threads.unbind(["b"]);
  world.onDied = () => world.threads.publish(snapshotOf([], { revision: 2 }));
  await world.say("die 1");
  await eventually("it serves again", () => world.lifeOf(1, 2).includes("accept"));
  assert.deepEqual(world.lifeOf(1, 2), ["bind a@80", "snapshot 2", "accept"]);
  assert.deepEqual(world.deaths, [{
    worker: 1,
    cause: "Uncaught Error: thread 1 was told to die",
    sessions: 0,
    restartMs: 100,
  }]);
  assert.deepEqual(world.lifeOf(0, 2), [], "the other one has noticed nothing");
});

Deno.test("the pause before a restart doubles with each death of the same thread", async () => {
  using world = new ThreadsWorld();
  await world.serve();
  await world.killAndWait(0);
  await world.say("die 0");
  await world.say("die 1");
  await eventually("three deaths", () => world.deaths.length === 3);
  const pauses = (thread: number) =>
    world.deaths.filter(({ worker }) => worker === thread).map(({ restartMs }) => restartMs);
  assert.deepEqual([pauses(0), pauses(1)], [[100, 200], [100]]);
});

Deno.test("the pause before a restart doubles up to the longest, and is forgotten after a quiet while", async () => {
  using patient = new ThreadsWorld({ firstRestartMs: 1, maxRestartMs: 3 });
  await patient.serve();
  for (let round = 0; round < 4; round++) await patient.killAndWait(0);
  assert.deepEqual(patient.deaths.map(({ restartMs }) => restartMs), [1, 2, 3, 3]);
  using forgetful = new ThreadsWorld({ firstRestartMs: 1, quietMs: 0 });
  await forgetful.serve();
  for (let round = 0; round < 2; round++) await forgetful.killAndWait(0);
  assert.deepEqual(forgetful.deaths.map(({ restartMs }) => restartMs), [1, 1]);
});

Deno.test("a thread that dies gives back its permits and leaves the readers, before its death is reported", async () => {
  using world = new ThreadsWorld({ firstRestartMs: 60_000 });
  await world.serve();
  const permits = new Permits(world.memory);
  const readers = new Readers(world.memory);
  await world.say("acquire 0");
  await world.say("acquire 1");
  assert.deepEqual([0, 5].map((slot) => permits.taken(slot)), [6, 2]);
  readers.set(0, 1);
  readers.set(1, 2);
  assert.ok(!readers.arePast(2));
  await world.say("die 0");
  await eventually("the death", () => world.deaths.length === 1);
  assert.equal(world.deaths[0]?.sessions, 3);
  assert.deepEqual([0, 5].map((slot) => permits.taken(slot)), [3, 1]);
  assert.ok(readers.arePast(2), "it uses nothing any more");
});

Deno.test("a thread that serves again counts as a reader from the snapshot on that it was given", async () => {
  using world = new ThreadsWorld();
  await world.serve();
  const readers = new Readers(world.memory);
  readers.set(1, 9);
  world.threads.publish(snapshotOf([], { revision: 4 }));
  await world.killAndWait(0);
  assert.deepEqual([4, 5].map((revision) => readers.arePast(revision)), [true, false]);
});

Deno.test("a thread that dies while it binds has the bind fail as busy; it serves again, and so does the next bind", async () => {
  using world = new ThreadsWorld();
  await world.serve(bindOf("a"));
  await assert.rejects(world.bind(bindOf("die 1")), ThreadsBusyError);
  assert.equal(world.lifeOf(0, 1).at(-1), "unbind die 1");
  // Waits for the restart.
  await world.bind(bindOf("b", { port: 81 }));
  await eventually("both have bound", () => world.lifeOf(1, 2).includes("bind b@81"));
  assert.deepEqual(world.lifeOf(1, 2), ["bind a@80", "snapshot 1", "accept", "bind b@81"]);
});

Deno.test("a thread that dies after it has bound, while another one still binds, has the bind fail in all of them", async () => {
  // It serves again, with what was bound before, by the time the other one answers.
  using world = new ThreadsWorld({ firstRestartMs: 1 });
  await world.serve(bindOf("a"));
  const binds = [bindOf("die later 0", { port: 81 }), bindOf("outlive 0 1", { port: 82 })];
  await assert.rejects(world.bind(...binds), ThreadsBusyError);
  const undone = "unbind die later 0, outlive 0 1";
  assert.deepEqual(world.lifeOf(0, 2), ["bind a@80", "snapshot 1", "accept", undone]);
  assert.equal(world.lifeOf(1, 1).at(-1), undone);
});

Deno.test("a thread that dies before the first snapshot is started again, and gets that when it is published", async () => {
  using world = new ThreadsWorld();
  await world.start();
  await world.bind(bindOf("a"));
  await world.say("die 1");
  await eventually("it has bound again", () => world.lifeOf(1, 2).includes("bind a@80"));
  // This waits until the other side knows that, too; what is published before reaches the thread twice.
  await world.bind(bindOf("b", { port: 81 }));
  world.threads.publish(snapshotOf([], { revision: 1 }));
  world.threads.accept();
  await eventually("it serves", () => world.lifeOf(1, 2).includes("accept"));
  assert.deepEqual(world.lifeOf(1, 2), ["bind a@80", "bind b@81", "snapshot 1", "accept"]);
});

Deno.test("a bind waits for a thread that is starting again, but not for long", async () => {
  using world = new ThreadsWorld({ firstRestartMs: 60_000, maxRestartWaitMs: 20 });
  await world.serve();
  await world.say("die 1");
  await eventually("the death", () => world.deaths.length === 1);
  await assert.rejects(world.bind(bindOf("a")), (error) => {
    assert.ok(error instanceof ThreadsBusyError);
    assert.match(error.message, /a data-plane thread is starting again; try again later/);
    return true;
  });
  assert.ok(!world.lifeOf(0, 1).includes("bind a@80"));
});

Deno.test("a thread that cannot bind again because somebody else holds the address says so and goes on trying", async () => {
  using world = new ThreadsWorld({ firstRestartMs: 1, rebindMs: 1 });
  await world.serve(bindOf("refuse once 1"));
  await world.killAndWait(1);
  assert.match(world.faults.join(), /a data-plane thread cannot listen again: Error: in use/);
  assert.deepEqual(world.lifeOf(1, 2), [
    "bind refuse once 1@80",
    "bind refuse once 1@80",
    "snapshot 1",
    "accept",
  ]);
});

Deno.test("a thread that serves again is a reader from its start on, and says itself what it uses from then on", async () => {
  using world = new ThreadsWorld({ firstRestartMs: 1, rebindMs: 50 });
  await world.serve(bindOf("refuse once 1"));
  const readers = new Readers(world.memory);
  readers.set(0, 9);
  await world.say("die 1");
  await eventually("it has tried to bind", () => world.lifeOf(1, 2).length === 1);
  assert.deepEqual([1, 2].map((revision) => readers.arePast(revision)), [true, false]);
  world.threads.publish(snapshotOf([], { revision: 5 }));
  world.threads.publish(snapshotOf([], { revision: 6 }));
  // As a thread says it that has begun a session between the two.
  readers.set(1, 5);
  await eventually("it serves", () => world.lifeOf(1, 2).includes("accept"));
  assert.deepEqual([5, 6].map((revision) => readers.arePast(revision)), [true, false]);
});

Deno.test("what is unbound while a thread starts again is not bound there any more", async () => {
  const folder = Deno.makeTempDirSync();
  using cleanup = new DisposableStack();
  cleanup.defer(() => Deno.removeSync(folder, { recursive: true }));
  const path = `${folder}/socket`;
  using _listener = Deno.listen({ transport: "unix", path });
  using world = new ThreadsWorld({ firstRestartMs: 1 });
  // Each of these is looked at before they are bound, which takes a moment.
  const files = Array.from({ length: 50 }, (_, index): Bind => ({
    key: `file ${index}`,
    address: { kind: "unix", path },
    shared: false,
  }));
  await world.serve(...files, bindOf("goes"));
  const gone = new Promise<void>((resolve) => {
    world.onTold = (line) => {
      if (line === "0 2: start") setTimeout(() => world.threads.unbind(["goes"]).then(resolve));
    };
  });
  await world.killAndWait(0);
  await within("the unbind", gone);
  const life = world.lifeOf(0, 2);
  const [bound, unbound] = ["bind", "unbind"].map((verb) =>
    life.findLastIndex((words) => words.startsWith(`${verb} `) && words.includes("goes"))
  );
  assert.ok(bound! < unbound!, life.join("; "));
});

Deno.test("a thread that waits for its restart when a drain begins is not started any more", async () => {
  using world = new ThreadsWorld({ firstRestartMs: 50 });
  await world.serve(bindOf("a"));
  await world.say("die 1");
  await eventually("the death", () => world.deaths.length === 1);
  await within("the drain", world.threads.drain(patient));
  // Well behind the pause; a slow machine only makes the test weaker.
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(world.told.filter((line) => line.startsWith("1 2")).length, 0);
});

Deno.test("a thread that is starting again when a drain begins binds and accepts nothing", async () => {
  using world = new ThreadsWorld({ firstRestartMs: 1 });
  await world.serve(bindOf("a"));
  await world.say("be late 1");
  await world.say("die 1");
  // It takes no commands yet.
  await eventually("its second life", () => world.told.includes("1 2: start"));
  await within("the drain", world.threads.drain(patient));
  // Whatever was sent behind the drain is there with this at the latest.
  await world.say("mark");
  await eventually("both have read all", () => world.lifeOf(1, 2).includes("unbind mark"));
  assert.deepEqual(world.lifeOf(1, 2), ["drain", "unbind mark"]);
});

Deno.test("a drain waits for a thread with sessions for as long as that answers", async () => {
  using world = new ThreadsWorld({ pingMs: 10, hangMs: 20_000 });
  await world.serve();
  await world.say("serve 1");
  let isDrained = false;
  const draining = world.threads.drain(patient);
  draining.then(() => isDrained = true);
  await eventually(
    "several signs of life",
    () => world.lifeOf(1, 1).filter((word) => word === "ping").length > 3,
  );
  assert.equal(isDrained, false);
  await world.say("finish 1");
  assert.deepEqual(await within("the drain", draining), { ended: 2, cut: 1 });
  assert.deepEqual(world.faults, []);
});

Deno.test("a drain that is given up counts as cut what threads that have not ended still have open", async () => {
  using world = new ThreadsWorld();
  await world.serve();
  await world.say("acquire 1");
  await world.say("serve 1");
  const giveUp = new AbortController();
  const draining = world.threads.drain(giveUp.signal);
  await eventually("it was told", () => world.lifeOf(1, 1).includes("drain"));
  giveUp.abort();
  assert.deepEqual(await within("the drain", draining), { ended: 0, cut: 3 });
});

Deno.test("sessions that die with their thread in a drain are counted as cut", async () => {
  using world = new ThreadsWorld();
  await world.serve();
  await world.say("acquire 1");
  await world.say("serve 1");
  const draining = world.threads.drain(patient);
  await world.say("die 1");
  assert.deepEqual(await within("the drain", draining), { ended: 0, cut: 3 });
  assert.deepEqual(world.deaths.map(({ sessions, restartMs }) => [sessions, restartMs]), [[3, null]]);
});

Deno.test("a drain without a deadline gives up a thread that does not answer, and says so", async () => {
  using world = new ThreadsWorld({ pingMs: 10, hangMs: 300 });
  await world.serve();
  await world.say("acquire 1");
  await world.say("hang 1");
  const drained = await within("the drain", world.threads.drain(patient));
  assert.deepEqual(drained, { ended: 0, cut: 3 }, "what it had open is counted as cut");
  const permits = new Permits(world.memory);
  assert.deepEqual([0, 5].map((slot) => permits.taken(slot)), [0, 0], "its permits are free");
  assert.match(
    world.faults.join(),
    /data-plane thread 1 has not answered for 0\.3 s: its sessions are given up/,
  );
  assert.ok(world.lifeOf(0, 1).includes("drain"));
  assert.equal(world.deaths.length, 0);
});

Deno.test("a thread that hangs holds up no change of the binds for long", async () => {
  using world = new ThreadsWorld({ maxUnbindMs: 20 });
  await world.serve(bindOf("a"));
  await world.say("hang 1");
  await within("the end of the wait", world.threads.unbind(["a"]));
  await eventually("the other one has closed it", () => world.lifeOf(0, 1).includes("unbind a"));
});

Deno.test("a thread that hangs has a bind refused after a while, and the others close what they had bound", async () => {
  using world = new ThreadsWorld({ maxBindMs: 50, maxUnbindMs: 20 });
  await world.serve(bindOf("a"));
  await world.say("hang 1");
  await assert.rejects(world.bind(bindOf("b", { port: 81 })), (error) => {
    assert.ok(error instanceof ThreadsBusyError);
    assert.match(error.message, /a data-plane thread has not answered for 0\.05 s; try again later/);
    return true;
  });
  await eventually("it is closed again", () => world.lifeOf(0, 1).at(-1) === "unbind b");
});

Deno.test("a module that fails while it is loaded has the start fail with the cause", async () => {
  const memory = allocateMemory(1);
  const deaths: Death[] = [];
  const threads = new Threads({
    count: 1,
    memory,
    processSlot: 0,
    onEvents: () => {},
    onDeath: (death) => deaths.push(death),
    onTargetReport: () => {},
    onFault: () => {},
    module: new URL("data:text/javascript,throw new Error('there is no such thread')"),
  });
  try {
    threads.open();
    await eventually("it is dead", () => deaths.length > 0);
    await assert.rejects(within("the start", threads.start("portable")), /there is no such thread/);
    // It is not started again: without it there is no start.
    assert.deepEqual(deaths.map(({ restartMs }) => restartMs), [null]);
  } finally {
    threads.terminate();
  }
});
