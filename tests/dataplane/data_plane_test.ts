import assert from "node:assert/strict";
import type { Snapshot } from "../../lib/dataplane/snapshot.ts";
import { Readers } from "../../lib/shared/readers.ts";
import { eventually } from "../support/eventually.ts";
import type { MemorySocket } from "../support/memory_socket.ts";
import { payload } from "../support/payload.ts";
import { receive, receiveExactly, sendAll } from "../support/peer.ts";
import {
  bindAt,
  finish,
  PlaneWorld,
  processSlot,
  snapshotOf,
  targetAddress,
  targetAt,
  webSlot,
} from "../support/plane_world.ts";

Deno.test("a client reaches a target of the listener's pool", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  await finish(await world.session(listener));
  await world.end();
  assert.deepEqual(world.closed.map(({ id, listener, pool, reason }) => [id, listener, pool, reason]), [
    ["0.1", "web", "app", "done"],
  ]);
});

Deno.test("a new snapshot is for new sessions, and the open ones keep their target and their generation", async () => {
  using world = new PlaneWorld();
  const [old, next] = [world.targetListener(1), world.targetListener(2)];
  world.start(snapshotOf([targetAt(1)], { generation: 1 }));
  const before = await world.session(old);
  world.apply(snapshotOf([targetAt(2)], { generation: 2 }));
  const after = await world.session(next);
  await sendAll(before.client, payload(100, 1));
  assert.deepEqual(await receiveExactly(before.target, 100), payload(100, 1));
  await Promise.all([finish(before), finish(after)]);
  await world.end();
  assert.deepEqual(world.closed.map(({ target, generation }) => [target, generation]).toSorted(), [
    ["10.0.1.1:1", 1],
    ["10.0.1.1:2", 2],
  ]);
  assert.equal(world.counters(targetAt(1).slot).receivedBytes, 101);
});

Deno.test("a snapshot whose listener names no pool is refused, and the one before goes on", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  assert.throws(() => world.plane.apply(snapshotOf([], { pools: [] })), /no pool app/);
  await finish(await world.session(listener));
  await world.end();
});

Deno.test("draining takes no new client and says so once the last session has ended, not before", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  const [first, second] = [await world.session(listener), await world.session(listener)];
  const draining = world.plane.drain();
  assert.throws(() => world.client(), Deno.errors.ConnectionRefused);
  await finish(first);
  await eventually("the first session is reported", () => world.closed.length === 1);
  assert.equal(world.drained, 0);
  await sendAll(second.client, payload(9, 1));
  await receiveExactly(second.target, 9);
  await finish(second);
  await eventually("drained", () => world.drained > 0);
  await draining;
  const types = world.reports.map(({ type }) => type);
  assert.equal(types.at(-1), "drained");
  assert.equal(world.closed.length, 2);
  assert.equal(world.drained, 1);
});

Deno.test("draining without a session is reported at once", async () => {
  using world = new PlaneWorld();
  world.start(snapshotOf([targetAt(1)]));
  await world.end();
  assert.equal(world.drained, 1);
});

Deno.test("draining is reported once when the last session ends in the same moment", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  await world.session(listener);
  const draining = world.plane.drain();
  world.plane.cut({ reason: "drain_deadline", spreadMs: 0 });
  await draining;
  let checks = 0;
  await eventually("drained, and a while after", () => world.drained > 0 && ++checks > 3);
  assert.equal(world.drained, 1);
});

const accesses: { access: Snapshot["access"]; reported: string[] }[] = [
  { access: "all", reported: ["done", "server_reset"] },
  { access: "abnormal", reported: ["server_reset"] },
  { access: "none", reported: [] },
];

for (const { access, reported } of accesses) {
  Deno.test(`with access ${access} the closed sessions reported are: ${reported.join(", ") || "none"}`, async () => {
    using world = new PlaneWorld();
    const listener = world.targetListener(1);
    world.start(snapshotOf([targetAt(1)], { access }));
    await finish(await world.session(listener));
    await world.quiet();
    (await world.session(listener)).target.reset();
    await world.quiet();
    await world.end();
    assert.deepEqual(world.closed.map(({ reason }) => reason), reported);
    assert.equal(world.counters(webSlot).total, 2);
  });
}

Deno.test("sessions, bytes and refusals are counted for the listener and the target", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(2);
  world.engine.answer(targetAddress(1), "refused");
  world.start(snapshotOf([targetAt(1), targetAt(2)]));
  const { client, target } = await world.session(listener);
  await sendAll(target, payload(500, 1));
  await receiveExactly(client, 500);
  await finish({ client, target });
  await world.quiet();
  world.apply(snapshotOf([]));
  assert.equal((await receive(world.client())).end, "reset");
  await world.end();
  assert.deepEqual(world.counters(webSlot), { total: 2, failed: 1, receivedBytes: 1, sentBytes: 500 });
  assert.deepEqual(world.counters(targetAt(1).slot), { total: 0, failed: 1, receivedBytes: 0, sentBytes: 0 });
  assert.deepEqual(world.counters(targetAt(2).slot), {
    total: 1,
    failed: 0,
    receivedBytes: 1,
    sentBytes: 500,
  });
});

Deno.test("an attempt that fails for a cause of this machine, or because the client leaves, is not counted against its target", async () => {
  using world = new PlaneWorld();
  world.engine.answer(targetAddress(1), "resource");
  world.start(snapshotOf([targetAt(1)], { pool: { retry: { attempts: 1, pauseMs: 1_000 } } }));
  assert.equal((await receive(world.client())).end, "reset");
  await world.quiet();
  world.engine.answer(targetAddress(1), "silent");
  const leaving = world.client();
  await eventually("it is connecting", () => world.open(targetAt(1).slot) === 1);
  leaving.reset();
  await world.quiet();
  assert.equal(world.counters(targetAt(1).slot).failed, 0);
  // One that is the target's own.
  world.engine.answer(targetAddress(1), "refused");
  assert.equal((await receive(world.client())).end, "reset");
  await world.end();
  assert.equal(world.counters(targetAt(1).slot).failed, 1);
  assert.deepEqual(world.closed.map(({ reason }) => reason), [
    "resource",
    "client_gone_connect",
    "connect_refused",
  ]);
});

Deno.test("open sessions are counted while they last, and the caps count them", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)], { process: { slot: processSlot, maxConnections: 1 } }));
  const inside = await world.session(listener);
  assert.deepEqual([processSlot, webSlot, targetAt(1).slot].map((slot) => world.open(slot)), [1, 1, 1]);
  assert.equal((await receive(world.client())).end, "reset");
  await finish(inside);
  await world.quiet();
  await finish(await world.session(listener));
  await world.end();
  assert.deepEqual([processSlot, webSlot, targetAt(1).slot].map((slot) => world.open(slot)), [0, 0, 0]);
  assert.deepEqual(world.closed.map(({ reason }) => reason), ["limit_process", "done", "done"]);
});

const other = { kind: "tcp", host: "10.0.0.2", port: 80 } as const;

Deno.test("a bind passes from one listener to another with a snapshot, and is not closed", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  const first = snapshotOf([targetAt(1)]);
  world.start(first);
  const before = await world.session(listener);
  const moved = { ...first.listeners[0]!, name: "api", slot: webSlot + 1 };
  world.apply({ ...first, revision: 2, listeners: [moved] });
  const after = await world.session(listener);
  await Promise.all([finish(before), finish(after)]);
  await world.end();
  assert.deepEqual(world.closed.map(({ listener }) => listener), ["web", "api"]);
});

Deno.test("a bind that is added later is accepted on as soon as a snapshot names it, not before", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  const first = snapshotOf([targetAt(1)]);
  world.start(first);
  world.plane.bind([bindAt(other)]);
  const early = world.client(other);
  await finish(await world.session(listener));
  await world.quiet();
  assert.equal(world.counters(webSlot).total, 1, "the client waits in the queue of the new bind");
  const binds = [...first.listeners[0]!.binds, bindAt(other).key];
  world.apply({ ...first, revision: 2, listeners: [{ ...first.listeners[0]!, binds }] });
  const target = await listener.accept() as MemorySocket;
  await finish({ client: early, target });
  await world.end();
  assert.equal(world.counters(webSlot).total, 2);
});

Deno.test("a client that waits in the queue of a bind that goes is served by the rules that the bind had", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  const first = snapshotOf([targetAt(1)]);
  world.start(first);
  const waiting = world.client();
  world.apply({ ...first, revision: 2, listeners: [] });
  world.plane.unbind(first.listeners[0]!.binds);
  assert.throws(() => world.client(), Deno.errors.ConnectionRefused);
  const target = await listener.accept() as MemorySocket;
  await finish({ client: waiting, target });
  await world.end();
  assert.deepEqual(world.closed.map(({ listener, reason }) => [listener, reason]), [["web", "done"]]);
});

Deno.test("a snapshot is in use for as long as its rules serve clients of a bind that goes", async () => {
  using world = new PlaneWorld();
  const readers = new Readers(world.memory);
  readers.leave(1);
  const listener = world.targetListener(1);
  const first = snapshotOf([targetAt(1)]);
  world.start(first);
  const waiting = world.client();
  world.apply({ ...first, revision: 2, listeners: [] });
  assert.equal(readers.arePast(2), false, "the bind has not gone yet");
  const unbound = world.plane.unbind(first.listeners[0]!.binds);
  const target = await listener.accept() as MemorySocket;
  await unbound;
  assert.equal(readers.arePast(2), false, "a session of the bind is open");
  await finish({ client: waiting, target });
  await world.quiet();
  await eventually("the first snapshot is out of use", () => readers.arePast(2));
  await world.end();
});

Deno.test("a snapshot is in use no more once a bind that had its rules is closed", async () => {
  using world = new PlaneWorld();
  const readers = new Readers(world.memory);
  readers.leave(1);
  const first = snapshotOf([targetAt(1)]);
  world.start(first);
  world.apply({ ...first, revision: 2 });
  assert.equal(readers.arePast(2), true, "the bind that stays has the rules of the second");
  world.apply({ ...first, revision: 3, listeners: [] });
  await world.plane.unbind(first.listeners[0]!.binds);
  assert.equal(readers.arePast(3), true);
  await world.end();
});

Deno.test("open sessions of a listener that goes live on", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  const first = snapshotOf([targetAt(1)]);
  world.start(first);
  const { client, target } = await world.session(listener);
  world.apply({ ...first, revision: 2, listeners: [] });
  world.plane.unbind(first.listeners[0]!.binds);
  await sendAll(client, payload(50, 1));
  assert.deepEqual(await receiveExactly(target, 50), payload(50, 1));
  await finish({ client, target });
  await world.end();
  assert.deepEqual(world.closed.map(({ listener, reason }) => [listener, reason]), [["web", "done"]]);
});

Deno.test("a target that is down by its words is sent no session, though it still accepts", async () => {
  using world = new PlaneWorld();
  const [down, up] = [world.targetListener(1), world.targetListener(2)];
  world.start(snapshotOf([targetAt(1), targetAt(2)]));
  await finish(await world.session(down));
  world.shared.targets.set(targetAt(1).slot, { state: 0, weight: 1 });
  world.shared.pools.advanceEpoch(0);
  await finish(await world.session(up));
  await world.end();
  assert.deepEqual(world.closed.map(({ target }) => target), ["10.0.1.1:1", "10.0.1.1:2"]);
});

Deno.test("a revision is in use until its last session has ended, and the newest one always", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  const oldest = () => world.memory.readers[0];
  world.start(snapshotOf([targetAt(1)], { revision: 4 }));
  assert.equal(oldest(), 4);
  const session = await world.session(listener);
  world.apply(snapshotOf([targetAt(1)], { revision: 5 }));
  world.apply(snapshotOf([targetAt(1)], { revision: 6 }));
  assert.equal(oldest(), 4);
  const later = await world.session(listener);
  await finish(session);
  await eventually("revision 4 is unused", () => oldest() === 6);
  world.apply(snapshotOf([targetAt(1)], { revision: 7 }));
  assert.equal(oldest(), 6);
  await finish(later);
  await eventually("revision 6 is unused", () => oldest() === 7);
  await world.end();
});

Deno.test("a thread that takes the place of a dead one goes on with its session numbers", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  await finish(await world.session(listener));
  await world.end();
  using successor = new PlaneWorld({ memory: world.memory });
  const next = successor.targetListener(1);
  successor.start(snapshotOf([targetAt(1)]));
  await finish(await successor.session(next));
  await successor.end();
  assert.deepEqual([...world.closed, ...successor.closed].map(({ id }) => id), ["0.1", "0.2"]);
});

Deno.test("one client after the other is never refused by a limit of one", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)], { process: { slot: processSlot, maxConnections: 1 } }));
  for (let round = 0; round < 50; round++) {
    const { client, target } = await world.session(listener);
    await finish({ client, target });
    await receive(client);
  }
  await world.end();
  assert.deepEqual(new Set(world.closed.map(({ reason }) => reason)), new Set(["done"]));
});
