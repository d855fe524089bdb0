import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { payload } from "../support/payload.ts";
import { type Peer, receive, receiveExactly, sendAll, sendAndFinish } from "../support/peer.ts";
import { SessionWorld } from "../support/session_world.ts";

Deno.test("a client that resets while its session connects ends it as client_gone_connect", async () => {
  using world = new SessionWorld();
  const silent = world.target();
  world.target();
  world.engine.answer(silent.target.addresses[0]!, "silent");
  const { client, session } = await world.open();
  await eventually("an attempt", () => world.engine.attempts.length === 1);
  client.reset();
  await session.closed;
  const record = session.record();
  assert.equal(record.reason, "client_gone_connect");
  assert.equal(world.engine.attempts.length, 1);
  assert.equal(world.permitsTaken, 0);
});

Deno.test("a session that is cut in the moment its target answers still ends as cut", async () => {
  using world = new SessionWorld();
  const one = world.target();
  const { session } = await world.open({
    onAttempt: () => session.cut("killed"),
  });
  const target = await one.acceptor?.accept();
  await session.closed;
  const record = session.record();
  assert.equal(record.reason, "killed");
  assert.equal(record.attempts[0]?.error, null);
  assert.equal((await receive(target as unknown as Peer)).bytes.length, 0);
  assert.equal(world.permitsTaken, 0);
});

Deno.test("a session that is cut between two attempts makes no other one", async () => {
  using world = new SessionWorld();
  for (let i = 0; i < 2; i++) world.engine.answer(world.target().target.addresses[0]!, "refused");
  const { session } = await world.open({ onAttempt: () => session.cut("drain_deadline") });
  await session.closed;
  const record = session.record();
  assert.equal(record.reason, "drain_deadline");
  assert.equal(world.permitsTaken, 0);
});

Deno.test("a session that is cut as its last attempt fails ends with the reason it was cut for", async () => {
  using world = new SessionWorld();
  world.target({ listening: false });
  const { session } = await world.open({ onAttempt: () => session.cut("killed") });
  assert.equal(await session.closed, "killed");
  assert.equal(world.permitsTaken, 0);
});

Deno.test("a closed session leaves no socket open", async () => {
  using world = new SessionWorld();
  const one = world.target();
  const before = world.engine.openSockets;
  const { client, session } = await world.open();
  const target = await one.acceptor?.accept();
  assert(target !== undefined);
  session.cut("killed");
  await session.closed;
  client[Symbol.dispose]();
  target[Symbol.dispose]();
  assert.equal(world.engine.openSockets, before);
});

Deno.test("the client's socket is closed before its permits are free", async () => {
  using world = new SessionWorld();
  const one = world.target();
  const seen: [slot: number, openSockets: number][] = [];
  const permits = {
    acquire: (slot: number, max: number) => world.shared.permits.acquire(slot, max),
    release(slot: number) {
      seen.push([slot, world.engine.openSockets]);
      world.shared.permits.release(slot);
    },
  };
  const { session } = await world.open({ permits });
  await one.acceptor?.accept();
  session.cut("killed");
  await session.closed;
  // Only the two peers' own ends are left when the first permit is given back.
  assert.deepEqual(seen, [[one.target.slot, 2], [1, 2], [0, 2]]);
});

Deno.test("the record tells what the session was", async () => {
  using world = new SessionWorld();
  const one = world.target();
  const before = Date.now();
  const { client, session } = await world.open();
  const target = await one.acceptor?.accept() as unknown as Peer;
  await sendAndFinish(client, payload(1_234, 1));
  await receiveExactly(target, 1_234);
  await sendAll(target, payload(98, 2));
  await receiveExactly(client, 98);
  await target.closeWrite();
  await session.closed;
  const { time, ms, attempts, client: from, ...rest } = session.record();
  assert(before <= time && time <= Date.now());
  assert.match(from, /^192\.0\.2\.1:\d+$/);
  assert.deepEqual(rest, {
    reason: "done",
    id: "0.1",
    listener: "web",
    pool: "app",
    target: one.target.name,
    bytes: { received: 1_234, sent: 98 },
    generation: 7,
  });
  assert.deepEqual(attempts.map(({ target, error }) => [target, error]), [[one.target.name, null]]);
  const { queue, connect, firstByte, total } = ms;
  assert.equal(queue, null);
  assert(connect !== null && firstByte !== null);
  assert(0 <= connect && connect <= firstByte && firstByte <= total);
});

Deno.test("the record of a session whose target said nothing has no first byte", async () => {
  using world = new SessionWorld();
  const one = world.target();
  const { client, session } = await world.open();
  const target = await one.acceptor?.accept() as unknown as Peer;
  await Promise.all([client.closeWrite(), target.closeWrite()]);
  await session.closed;
  const { ms, bytes } = session.record();
  assert.equal(ms.firstByte, null);
  assert.deepEqual(bytes, { received: 0, sent: 0 });
});
