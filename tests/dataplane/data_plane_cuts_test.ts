/** A data plane whose sessions are cut: which ones, in which order, with which reason. */
import assert from "node:assert/strict";
import { eventually, within } from "../support/eventually.ts";
import { payload } from "../support/payload.ts";
import { receive, receiveExactly, sendAll } from "../support/peer.ts";
import {
  finish,
  PlaneWorld,
  processSlot,
  snapshotOf,
  targetAddress,
  targetAt,
  webSlot,
} from "../support/plane_world.ts";

Deno.test("a cut at once ends every open session with its reason", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  const sessions = [await world.session(listener), await world.session(listener)];
  world.plane.cut({ reason: "killed", spreadMs: 0 });
  for (const { client, target } of sessions) {
    assert.deepEqual([(await receive(client)).end, (await receive(target)).end], ["reset", "reset"]);
  }
  await world.end();
  assert.deepEqual(world.closed.map(({ reason }) => reason), ["killed", "killed"]);
});

Deno.test("a cut that is spread ends every session, and the first ones while the last are still open", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  const sessions = [];
  for (let i = 0; i < 4; i++) sessions.push(await world.session(listener));
  world.plane.cut({ reason: "drain_deadline", spreadMs: 40 });
  const ends = await Promise.all(sessions.map(({ client }) => receive(client)));
  assert.deepEqual(ends.map(({ end }) => end), Array(4).fill("reset"));
  await world.end();
  assert.deepEqual(world.closed.map(({ id, reason }) => `${id} ${reason}`), [
    "0.1 drain_deadline",
    "0.2 drain_deadline",
    "0.3 drain_deadline",
    "0.4 drain_deadline",
  ]);
});

Deno.test("the session that has been quiet longest is cut first, not the oldest", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  const [old, quiet] = [await world.session(listener), await world.session(listener)];
  const startedAt = performance.now();
  await eventually("the clock has moved on", () => performance.now() > startedAt + 1);
  await sendAll(old.client, payload(9, 1));
  await receiveExactly(old.target, 9);
  world.plane.cut({ reason: "drain_deadline", spreadMs: 20 });
  await Promise.all([old, quiet].map(({ client }) => receive(client)));
  await world.end();
  assert.deepEqual(world.closed.map(({ id }) => id), ["0.2", "0.1"]);
});

Deno.test("a cut of a target spares the sessions of others, and takes one that is still connecting", async () => {
  using world = new PlaneWorld();
  const [gone, stays] = [world.targetListener(1), world.targetListener(2)];
  world.start(snapshotOf([targetAt(1)]));
  const old = await world.session(gone);
  world.engine.answer(targetAddress(1), "silent");
  const connecting = world.client();
  await eventually("it is connecting", () => world.open(targetAt(1).slot) === 2);
  world.apply(snapshotOf([targetAt(2)], { revision: 2 }));
  const other = await world.session(stays);
  world.shared.targets.set(targetAt(1).slot, { state: 0, weight: 1 });
  world.plane.cut({ reason: "target_down", spreadMs: 0, slots: [targetAt(1).slot] });
  const ends = await within("the cut", Promise.all([old.client, old.target, connecting].map(receive)));
  assert.deepEqual(ends.map(({ end }) => end), ["reset", "reset", "reset"]);
  await sendAll(other.client, payload(9, 1));
  await receiveExactly(other.target, 9);
  await finish(other);
  await world.end();
  assert.deepEqual(world.closed.map(({ target, reason }) => `${target} ${reason}`).toSorted(), [
    "10.0.1.1:1 target_down",
    "10.0.1.1:2 done",
    "null target_down",
  ]);
});

Deno.test("a cut that is spread spares a session that has gone on to another target by its turn", async () => {
  using world = new PlaneWorld();
  const [gone, stays] = [world.targetListener(1), world.targetListener(2)];
  world.start(snapshotOf([targetAt(1), targetAt(2)], { listener: { connectTimeoutMs: 50 } }));
  const old = await world.session(gone);
  world.engine.answer(targetAddress(1), "silent");
  const client = world.client();
  await eventually("it is connecting", () => world.open(targetAt(1).slot) === 2);
  world.shared.targets.set(targetAt(1).slot, { state: 0, weight: 1 });
  world.plane.cut({ reason: "target_down", spreadMs: 400, slots: [targetAt(1).slot] });
  const target = await stays.accept();
  assert.ok(target !== undefined);
  await eventually("the cut is over", () => world.open(targetAt(1).slot) === 0);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await finish({ client, target });
  old.client[Symbol.dispose]();
  old.target[Symbol.dispose]();
  await world.end();
  assert.deepEqual(world.closed.map(({ target, reason }) => `${target} ${reason}`).toSorted(), [
    "10.0.1.1:1 target_down",
    "10.0.1.1:2 done",
  ]);
});

Deno.test("a target that is up again keeps the sessions whose turn has not come", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  const sessions = [await world.session(listener), await world.session(listener)];
  world.shared.targets.set(targetAt(1).slot, { state: 0, weight: 1 });
  world.plane.cut({ reason: "target_down", spreadMs: 200, slots: [targetAt(1).slot] });
  await eventually("the first is cut", () => world.open(targetAt(1).slot) === 1);
  world.shared.targets.set(targetAt(1).slot, { state: 1, weight: 1 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(world.open(targetAt(1).slot), 1);
  for (const { client, target } of sessions) for (const peer of [client, target]) peer.reset();
  await world.end();
});

Deno.test("a cut of a listener ends its sessions, whichever target they have, and no later session", async () => {
  using world = new PlaneWorld();
  const [one, two] = [world.targetListener(1), world.targetListener(2)];
  const first = snapshotOf([targetAt(1)]);
  world.start(first);
  const before = await world.session(one);
  world.plane.cut({ reason: "drain_deadline", spreadMs: 0, slots: [targetAt(7).slot] });
  const moved = { ...first.listeners[0]!, name: "api", slot: webSlot + 1 };
  world.apply({ ...snapshotOf([targetAt(2)]), revision: 2, listeners: [moved] });
  const after = await world.session(two);
  world.plane.cut({ reason: "drain_deadline", spreadMs: 0, slots: [webSlot, targetAt(7).slot] });
  assert.equal((await receive(before.client)).end, "reset");
  await finish(after);
  await world.end();
  assert.deepEqual(world.closed.map(({ listener, reason }) => [listener, reason]), [
    ["web", "drain_deadline"],
    ["api", "done"],
  ]);
});

Deno.test("a drain reports how many sessions ended in it, and how many of them were cut for its sake", async () => {
  using world = new PlaneWorld();
  const [one, two] = [world.targetListener(1), world.targetListener(2)];
  world.start(snapshotOf([targetAt(1)]));
  await finish(await world.session(one));
  await world.quiet();
  const [ends, cut] = [await world.session(one), await world.session(one)];
  world.apply(snapshotOf([targetAt(2)], { revision: 2 }));
  const down = await world.session(two);
  const draining = world.plane.drain();
  await finish(ends);
  world.shared.targets.set(targetAt(2).slot, { state: 0, weight: 1 });
  world.plane.cut({ reason: "target_down", spreadMs: 0, slots: [targetAt(2).slot] });
  await within("the cut", receive(down.client));
  await eventually("two have ended", () => world.open(processSlot) === 1);
  world.plane.cut({ reason: "drain_deadline", spreadMs: 0 });
  await receive(cut.client);
  await draining;
  assert.deepEqual(world.reports.at(-1), { type: "drained", ended: 2, cut: 1 });
});

Deno.test("a session that begins after a cut is left alone", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  const old = await world.session(listener);
  world.plane.cut({ reason: "killed", spreadMs: 0 });
  const fresh = await world.session(listener);
  await receive(old.client);
  await finish(fresh);
  await world.end();
  assert.deepEqual(world.closed.map(({ id, reason }) => `${id} ${reason}`), ["0.1 killed", "0.2 done"]);
});

Deno.test("who waited in the queue when everything is to end at once is cut too, and leaves a record", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  const open = await world.session(listener);
  const waiting = [world.client(), world.client()];
  world.plane.cut({ reason: "killed", spreadMs: 0 });
  await within("the drain", world.plane.drain());
  const ends = await Promise.all([open.client, ...waiting].map(receive));
  assert.deepEqual(ends.map(({ end }) => end), ["reset", "reset", "reset"]);
  assert.deepEqual(world.closed.map(({ reason }) => reason), ["killed", "killed", "killed"]);
});
