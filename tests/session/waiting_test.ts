import assert from "node:assert/strict";
import { stateBits } from "../../lib/pool/target_state.ts";
import type { Session } from "../../lib/session/session.ts";
import { eventually, within } from "../support/eventually.ts";
import type { MemorySocket } from "../support/memory_socket.ts";
import { payload } from "../support/payload.ts";
import { type Peer, receive, receiveExactly, sendAll } from "../support/peer.ts";
import { SessionWorld, type WorldTarget } from "../support/session_world.ts";

interface Opened {
  readonly client: MemorySocket;
  readonly session: Session;
}

async function accept({ acceptor }: WorldTarget): Promise<Peer> {
  const peer = await within("a connection at the target", acceptor!.accept());
  assert(peer !== undefined);
  return peer as unknown as Peer;
}

/** Clients that wait in line, one behind the other. */
async function inLine(world: SessionWorld, count: number): Promise<Opened[]> {
  const opened: Opened[] = [];
  for (let index = 0; index < count; index++) {
    const before = world.queued;
    opened.push(await world.open());
    await eventually("it is in line", () => world.queued === before + 1);
  }
  return opened;
}

/** Ends every session from its client's side. */
async function end(world: SessionWorld, opened: readonly Opened[]): Promise<void> {
  for (const { client } of opened) client.reset();
  await Promise.all(opened.map(({ session }) => session.closed));
  assert.deepEqual([world.permitsTaken, world.queued], [0, 0]);
}

function setUp(world: SessionWorld, { target: { slot } }: WorldTarget, up: boolean): void {
  world.shared.targets.set(slot, { state: up ? 1 : 0, weight: 1 });
  world.shared.pools.advanceEpoch(0);
}

Deno.test("clients of a full target are served in the order in which they came, each as one before it ends", async () => {
  using world = new SessionWorld();
  const one = world.target({ maxConnections: 1 });
  const first = await world.open();
  let served = await accept(one);
  const waiting = await inLine(world, 3);
  for (const { client, session } of waiting) {
    await sendAll(client, payload(1, 3));
    served.reset();
    served = await accept(one);
    await receiveExactly(served, 1);
    assert.equal(world.shared.permits.taken(one.target.slot), 1);
    assert.equal(session.target?.name, one.target.name);
  }
  await end(world, [first, ...waiting]);
  const waits = waiting.map(({ session }) => session.record().ms.queue);
  assert.ok(waits.every((ms) => ms !== null && ms >= 0), `a wait is missing: ${waits}`);
  assert.equal(first.session.record().ms.queue, null);
});

Deno.test("a client that leaves the line frees its place at once", async () => {
  using world = new SessionWorld({ queueSize: 1 });
  const one = world.target({ maxConnections: 1 });
  const inside = await world.open();
  await accept(one);
  const [leaving] = await inLine(world, 1);
  leaving!.client.reset();
  assert.equal(await leaving!.session.closed, "client_gone_queue");
  const [next] = await inLine(world, 1);
  await end(world, [inside, next!]);
});

Deno.test("a client that waits longer than timeouts.queue is refused with a reset, those behind it keep their own limit", async () => {
  using world = new SessionWorld();
  const one = world.target({ maxConnections: 1 });
  const inside = await world.open();
  await accept(one);
  const impatient = await world.open({ queueTimeoutMs: 30 });
  const [patient] = await inLine(world, 1);
  assert.equal(await within("the end of its patience", impatient.session.closed), "queue_timeout");
  assert.equal((await receive(impatient.client)).end, "reset");
  assert.ok((impatient.session.record().ms.queue ?? 0) >= 30);
  assert.equal(world.queued, 1);
  await end(world, [inside, patient!]);
});

Deno.test("without hold a client of a pool with no eligible target is refused at once", async () => {
  using world = new SessionWorld();
  world.target({ serving: false });
  const { session } = await world.open();
  assert.equal(await session.closed, "no_target");
  assert.equal(session.record().ms.queue, null);
});

Deno.test("with hold clients wait for a target to come back, and are let in in the order in which they came", async () => {
  using world = new SessionWorld({ holdMs: 60_000 });
  const one = world.target({ serving: false });
  const held = await inLine(world, 4);
  setUp(world, one, true);
  for (const { client, session } of held) {
    const target = await accept(one);
    await sendAll(client, payload(3, 2));
    assert.deepEqual(await receiveExactly(target, 3), payload(3, 2));
    assert.equal(session.target?.name, one.target.name);
  }
  await end(world, held);
});

Deno.test("a client that is held longer than its limit is refused as hold_timeout", async () => {
  using world = new SessionWorld({ holdMs: 30 });
  world.target({ serving: false });
  const { client, session } = await world.open();
  assert.equal(await within("the end of the hold", session.closed), "hold_timeout");
  assert.equal((await receive(client)).end, "reset");
  assert.deepEqual([world.permitsTaken, world.queued], [0, 0]);
});

Deno.test("a pool whose target comes back lets its clients in a few at a time, and whoever comes then comes behind them", async () => {
  using world = new SessionWorld({ holdMs: 60_000 });
  const one = world.target({ serving: false });
  const held = await inLine(world, 40);
  setUp(world, one, true);
  await eventually("the first is let in", () => world.queued < 40);
  assert.ok(world.queued > 0, "all were let in at once");
  const late = await world.open();
  for (let index = 0; index < 40; index++) await accept(one);
  assert.ok(held.every(({ session }) => session.target !== undefined));
  await accept(one);
  await end(world, [...held, late]);
});

Deno.test("a session that is cut while it waits in line ends with the reason of the cut", async () => {
  using world = new SessionWorld({ holdMs: 60_000 });
  world.target({ serving: false });
  const [held] = await inLine(world, 1);
  held!.session.cut("drain_deadline");
  assert.equal(await within("the end", held!.session.closed), "drain_deadline");
  assert.deepEqual([world.permitsTaken, world.queued], [0, 0]);
});

Deno.test("a client whose only target is away for a moment is served once it is back, in a later attempt", async () => {
  using world = new SessionWorld({ retry: { attempts: 3, pauseMs: 20 } });
  const one = world.target();
  world.engine.answer(one.target.addresses[0]!, "refused");
  const opened = await world.open();
  await eventually("an attempt", () => world.engine.attempts.length === 1);
  world.engine.forget(one.target.addresses[0]!);
  await accept(one);
  await end(world, [opened]);
  const errors = opened.session.record().attempts.map(({ error }) => error);
  assert.deepEqual([errors[0], errors.at(-1)], ["connect_refused", null]);
});

Deno.test("a client that leaves between two attempts ends the session at once, without another", async () => {
  using world = new SessionWorld({ retry: { attempts: 3, pauseMs: 60_000 } });
  world.engine.answer(world.target().target.addresses[0]!, "refused");
  const { client, session } = await world.open();
  await eventually("an attempt", () => world.attempts.length === 1);
  client.reset();
  assert.equal(await within("the end", session.closed), "client_gone_connect");
  assert.equal(world.engine.attempts.length, 1);
});

Deno.test("a target that is added meanwhile serves clients that wait", async () => {
  using world = new SessionWorld({ holdMs: 60_000 });
  world.target({ serving: false });
  const [held] = await inLine(world, 1);
  const added = world.target();
  const later = await world.open();
  await accept(added);
  await accept(added);
  assert.equal(held!.session.target?.name, added.target.name);
  await end(world, [held!, later]);
});

Deno.test("each attempt goes to another target while one is untried, however long an attempt takes", async () => {
  using world = new SessionWorld({ retry: { attempts: 3, pauseMs: 1 } });
  const [a, b, c] = [world.target(), world.target(), world.target()];
  for (const silent of [a, b]) world.engine.answer(silent.target.addresses[0]!, "silent");
  const opened = await world.open({ connectTimeoutMs: 30 });
  await accept(c);
  await end(world, [opened]);
  const tried = opened.session.record().attempts.map(({ target }) => target);
  assert.deepEqual(tried, [a, b, c].map(({ target }) => target.name));
});

Deno.test("a session that waits for a place elsewhere than it was refused holds up nobody behind it", async () => {
  using world = new SessionWorld({ retry: { attempts: 3, pauseMs: 60_000 } });
  const [a, b] = [world.target(), world.target({ maxConnections: 1 })];
  world.engine.answer(a.target.addresses[0]!, "refused");
  assert.ok(world.shared.permits.acquire(b.target.slot, 1), "another thread has it");
  const [refused] = await inLine(world, 1);
  world.engine.forget(a.target.addresses[0]!);
  const later = await world.open();
  await accept(a);
  assert.equal(later.session.target?.name, a.target.name);
  world.shared.permits.release(b.target.slot);
  await accept(b);
  await end(world, [refused!, later]);
});

Deno.test("while a target is on trial alone other clients wait for how that ends, and are not refused", async () => {
  using world = new SessionWorld();
  const one = world.target();
  const { slot } = one.target;
  world.shared.targets.set(slot, { state: stateBits.up | stateBits.ejected | stateBits.trial, weight: 1 });
  world.shared.targets.beginTrial(slot);
  world.shared.pools.advanceEpoch(0);
  const trying = await world.open();
  await accept(one);
  const [waiting] = await inLine(world, 1);
  setUp(world, one, true);
  await accept(one);
  await end(world, [trying, waiting!]);
});
