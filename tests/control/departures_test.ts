import assert from "node:assert/strict";
import { Departures } from "../../lib/control/departures.ts";
import type { BalancerEvent } from "../../lib/control/events.ts";
import type { Cut } from "../../lib/dataplane/messages.ts";
import { FakeClock } from "../health/support/fake_clock.ts";
import { BalancerWorld } from "./balancer_world.ts";
import { modelFrom } from "./model_world.ts";

const drain = "drain: { deadline: 30s, closeSpread: 4s }";
const rules = `process: { workers: 2, maxConnections: 20, ${drain} }`;

/** A configuration with these targets, whose pool has these keys too. */
function file(
  targets: readonly string[],
  { process = rules, pool = "health: none", more = "" } = {},
): string {
  return `${process}
listeners: { web: { bind: "127.0.0.1:8080", pool: app }${more} }
pools: { app: { ${pool}, targets: [${targets.map((target) => `"${target}"`).join(", ")}] } }
`;
}

const [a, b] = ["10.0.0.1:1", "10.0.0.2:1"];

/** A balancer under `text` with so many open sessions of `target`, which keep the snapshot they began with. */
async function serving(text: string, { target = a, sessions = 2 } = {}): Promise<BalancerWorld> {
  const world = new BalancerWorld(text);
  await world.start();
  world.threads.keepsOldSessions = true;
  const { slot } = world.target(target);
  for (let each = 0; each < sessions; each++) world.shared.permits.acquire(slot, Infinity);
  return world;
}

Deno.test("open sessions of a removed target are reported, have until the drain deadline, and are cut then", async () => {
  await using world = await serving(file([a, b]));
  const { slot } = world.target(a);
  assert.equal((await world.reload(file([b]))).kind, "reloaded");
  const open = [{ kind: "target", name: `app/${a}`, count: 2 }];
  assert.deepEqual(world.eventsOf("departing"), [{
    kind: "departing",
    open,
    deadlineMs: 30_000,
    spreadMs: 4_000,
  }]);
  await world.pass(29_000);
  assert.deepEqual(world.threads.cuts, []);
  world.shared.permits.release(slot);
  await world.pass(1_000);
  assert.deepEqual(world.threads.cuts, [{ reason: "drain_deadline", spreadMs: 4_000, slots: [slot] }]);
  assert.deepEqual(world.eventsOf("cutting").map(({ reason, open, spreadMs }) => [reason, open, spreadMs]), [
    ["drain_deadline", [{ kind: "target", name: `app/${a}`, count: 1 }], 4_000],
  ]);
});

Deno.test("open sessions of a removed listener are cut at the drain deadline of the configuration that removed it", async () => {
  const more = `, old: { bind: "127.0.0.1:8081", pool: app }`;
  await using world = await serving(file([a], { more, process: rules.replace("30s", "1h") }), {
    sessions: 0,
  });
  const { slot } = world.snapshot.listeners.find(({ name }) => name === "old")!;
  world.shared.permits.acquire(slot, Infinity);
  await world.reload(file([a]));
  // What a later configuration says is for what it removes itself.
  await world.reload(file([a], { process: rules.replace("30s", "2h") }));
  await world.pass(30_000);
  assert.deepEqual(world.eventsOf("departing").map(({ open }) => open), [
    [{ kind: "listener", name: "old", count: 1 }],
  ]);
  assert.deepEqual(world.threads.cuts, [{ reason: "drain_deadline", spreadMs: 4_000, slots: [slot] }]);
});

Deno.test("a target that is back before the deadline keeps its slot and its sessions", async () => {
  await using world = await serving(file([a, b]));
  const { slot } = world.target(a);
  await world.reload(file([b]));
  await world.pass(20_000);
  await world.reload(file([a, b]));
  assert.equal(world.target(a).slot, slot);
  // Removed again before the first deadline, it has the whole time again.
  await world.reload(file([b]));
  await world.pass(29_000);
  assert.deepEqual(world.threads.cuts, []);
  await world.pass(1_000);
  assert.deepEqual(world.threads.cuts.map(({ slots }) => slots), [[slot]]);
});

Deno.test("a target that is back before the deadline and stays has no session cut", async () => {
  await using world = await serving(file([a, b]));
  await world.reload(file([b]));
  await world.reload(file([a, b]));
  await world.pass(60_000);
  assert.deepEqual(world.threads.cuts, []);
});

Deno.test("without a drain deadline the sessions of what was removed go on for ever", async () => {
  const process = rules.replace("30s", "none");
  await using world = await serving(file([a, b], { process }));
  await world.reload(file([b], { process }));
  assert.deepEqual(world.eventsOf("departing").map(({ deadlineMs }) => deadlineMs), [Infinity]);
  await world.pass(600_000);
  assert.deepEqual(world.threads.cuts, []);
});

Deno.test("what is removed without an open session is no event, and nothing is cut", async () => {
  await using world = await serving(file([a, b]), { sessions: 0 });
  await world.reload(file([b]));
  await world.pass(60_000);
  assert.deepEqual([world.eventsOf("departing"), world.threads.cuts], [[], []]);
});

for (const verb of ["drain", "stop"] as const) {
  Deno.test(`a ${verb} cancels the cuts of what was removed before it`, async () => {
    await using world = await serving(file([a, b]).replace("deadline: 30s", "deadline: 30s, delay: 60s"));
    await world.reload(file([b]).replace("deadline: 30s", "deadline: 30s, delay: 60s"));
    const ending = world.balancer[verb]();
    await world.pass(59_000);
    assert.deepEqual(world.threads.cuts.map(({ reason }) => reason), verb === "stop" ? ["killed"] : []);
    await world.run(ending);
  });
}

Deno.test("a reload that a drain has overtaken behind its last step back has nothing cut", async () => {
  await using world = await serving(file([a, b]));
  world.threads.hangs = true;
  const publish = world.threads.publish.bind(world.threads);
  let draining: Promise<void> | undefined;
  world.threads.publish = (snapshot) => {
    publish(snapshot);
    draining = world.balancer.drain();
  };
  assert.equal((await world.reload(file([b]))).kind, "reloaded");
  await world.pass(29_000);
  assert.deepEqual(world.threads.cuts, []);
  assert.deepEqual(world.eventsOf("departing"), []);
  await world.run(draining!);
});

const checked = "health: { check: tcp, fall: 1 }";

Deno.test("a target that turns down has its open sessions cut where its pool says close", async () => {
  await using world = await serving(file([a, b], { pool: `${checked}, onTargetDown: close` }));
  world.probes.answers.set(a, "failed");
  await world.until("the cut", () => world.threads.cuts.length > 0);
  const { slot } = world.target(a);
  assert.deepEqual(world.threads.cuts, [{ reason: "target_down", spreadMs: 4_000, slots: [slot] }]);
  const open = [{ kind: "target", name: `app/${a}`, count: 2 }];
  assert.deepEqual(world.eventsOf("cutting"), [
    { kind: "cutting", reason: "target_down", open, spreadMs: 4_000 },
  ]);
  // The word comes first: whoever picks behind the cut must not pick it.
  assert.equal(world.shared.targets.state(slot), 0);
  world.probes.answers.delete(a);
  await world.until("it is up again", () => world.eventsOf("health").at(-1)?.to === "up");
  assert.equal(world.threads.cuts.length, 1, "to come up cuts nobody");
});

Deno.test("a target that turns down keeps its open sessions where its pool says keep", async () => {
  await using world = await serving(file([a, b], { pool: checked }));
  world.probes.answers.set(a, "failed");
  await world.until("it is down", () => world.eventsOf("health").at(-1)?.to === "down");
  await world.pass(60_000);
  assert.deepEqual([world.threads.cuts, world.eventsOf("cutting")], [[], []]);
});

/** Departures over slots that a test gives and takes away, by key. */
class DeparturesWorld {
  readonly clock = new FakeClock();
  readonly retired = new Map<string, number>();
  readonly open = new Map<number, number>();
  readonly cuts: Cut[] = [];
  readonly events: BalancerEvent[] = [];
  readonly departures = new Departures({
    clock: this.clock,
    slots: { slotOf: () => 0, retiredSlotOf: (key) => this.retired.get(key) },
    openOf: (slot) => this.open.get(slot) ?? 0,
    cut: (cut) => this.cuts.push(cut),
    onEvent: (event) => this.events.push(event),
  });

  /** The target `a` in slot 7, removed with two open sessions. */
  constructor() {
    this.departures.keep(modelFrom(file([a, b])));
    this.retired.set(`target app/${a}`, 7);
    this.open.set(7, 2);
    this.departures.keep(modelFrom(file([b])));
  }
}

Deno.test("a slot that has another owner by the deadline is not cut", async () => {
  const world = new DeparturesWorld();
  await world.clock.advance(20_000);
  world.retired.clear();
  await world.clock.advance(60_000);
  assert.deepEqual([world.cuts, world.clock.waiting], [[], 0]);
});

Deno.test("who begins behind the cut is cut by another, until nobody can be left, and that is no event", async () => {
  const world = new DeparturesWorld();
  await world.clock.advance(30_000);
  world.open.set(7, 0);
  await world.clock.advance(20_000);
  assert.equal(world.cuts.length, 1);
  world.open.set(7, 1);
  await world.clock.advance(5_000);
  assert.deepEqual(world.cuts.map(({ slots }) => slots), [[7], [7]]);
  assert.deepEqual(world.events.map(({ kind }) => kind), ["departing", "cutting"]);
  world.retired.clear();
  await world.clock.advance(5_000);
  assert.deepEqual([world.cuts.length, world.clock.waiting], [2, 0]);
});
