import assert from "node:assert/strict";
import type { RelayLimits } from "../../lib/relay/engine.ts";
import type { Session } from "../../lib/session/session.ts";
import type { CloseRecord } from "../../lib/session/record.ts";
import type { CutReason, Reason } from "../../lib/values/words.ts";
import { eventually } from "../support/eventually.ts";
import type { Answer } from "../support/memory_engine.ts";
import { payload } from "../support/payload.ts";
import { type Peer, receive, receiveAll, receiveExactly, sendAll, sendAndFinish } from "../support/peer.ts";
import { listenerSlot, processSlot, SessionWorld, type WorldTarget } from "../support/session_world.ts";
import { unlimited } from "../../lib/relay/engine.ts";

/** A session with a target on the other side. */
async function served(world: SessionWorld, limits: Partial<RelayLimits> = {}) {
  const one = world.target();
  const { client, session } = await world.open({ relayLimits: { ...unlimited, ...limits } });
  return { client, session, target: await acceptFrom(one) };
}

async function acceptFrom({ acceptor }: WorldTarget): Promise<Peer> {
  const peer = await acceptor?.accept();
  assert(peer !== undefined);
  return peer as unknown as Peer;
}

/** Awaits the record and checks what holds for every session: permits and sockets are back, the client is gone. */
async function closedWith(
  world: SessionWorld,
  { session, client, reason }: { session: Session; client: Peer; reason: Reason },
): Promise<CloseRecord> {
  await session.closed;
  const record = session.record();
  assert.equal(record.reason, reason);
  assert.equal(world.permitsTaken, 0);
  await receive(client).catch(() => {});
  return record;
}

type Act = (peers: { client: Peer; target: Peer }) => Promise<void> | void;

const relayEnds: { reason: Reason; limits?: Partial<RelayLimits>; act?: Act }[] = [
  {
    reason: "done",
    act: async ({ client, target }) => void await Promise.all([client.closeWrite(), target.closeWrite()]),
  },
  { reason: "client_reset", act: ({ client }) => client.reset() },
  { reason: "server_reset", act: ({ target }) => target.reset() },
  { reason: "idle", limits: { idleMs: 20 } },
  { reason: "half_closed", limits: { halfClosedMs: 20 }, act: ({ client }) => client.closeWrite() },
  {
    reason: "stalled",
    limits: { stallMs: 20 },
    act: ({ client }) => void sendAll(client, payload(1 << 20, 1)).catch(() => {}),
  },
  { reason: "lifetime", limits: { lifetimeMs: 20 } },
];

for (const { reason, limits, act } of relayEnds) {
  Deno.test(`a relay that ends with ${reason} closes the session as ${reason}`, async () => {
    using world = new SessionWorld();
    const { client, session, target } = await served(world, limits);
    await act?.({ client, target });
    const record = await closedWith(world, { session, client, reason });
    assert.equal(record.target, world.attempts[0]?.target);
    target[Symbol.dispose]();
  });
}

const connectFailures: { answer: Answer; reason: Reason }[] = [
  { answer: "refused", reason: "connect_refused" },
  { answer: "timeout", reason: "connect_timeout" },
  { answer: "silent", reason: "connect_timeout" },
  { answer: "unreachable", reason: "connect_unreachable" },
  { answer: "resource", reason: "resource" },
];

for (const { answer, reason } of connectFailures) {
  Deno.test(`a session whose only target is ${answer} is refused as ${reason}`, async () => {
    using world = new SessionWorld({ retry: { attempts: 1, pauseMs: 1_000 } });
    const { target } = world.target();
    world.engine.answer(target.addresses[0]!, answer);
    const { client, session } = await world.open({ connectTimeoutMs: 20 });
    const record = await closedWith(world, { session, client, reason });
    assert.deepEqual(record.attempts.map(({ error }) => error), [reason]);
    assert.deepEqual([record.target, record.ms.connect, record.ms.firstByte], [null, null, null]);
    assert.deepEqual(world.attempts.map(({ target, attempt }) => ({ target, attempt })), [
      { target: target.name, attempt: record.attempts[0] },
    ]);
    assert.notEqual(world.attempts[0]?.detail, "");
  });
}

Deno.test("a refused client sees a reset at once, not a clean end", async () => {
  using world = new SessionWorld();
  const { client, session } = await world.open();
  assert.equal(await session.closed, "no_target");
  assert.equal((await receive(client)).end, "reset");
});

Deno.test("a failed attempt goes on to another target, and the client notices nothing", async () => {
  using world = new SessionWorld();
  const [first, second, third] = [world.target({ listening: false }), world.target(), world.target()];
  const { client, session } = await world.open();
  const target = await acceptFrom(second);
  await Promise.all([sendAndFinish(client, payload(10, 2)), sendAndFinish(target, payload(20, 3))]);
  assert.deepEqual([await receiveAll(target), await receiveAll(client)], [payload(10, 2), payload(20, 3)]);
  const record = await closedWith(world, { session, client, reason: "done" });
  const attempts = record.attempts.map(({ target, error }) => [target, error]);
  assert.deepEqual(attempts, [[first.target.name, "connect_refused"], [second.target.name, null]]);
  assert.equal(record.target, second.target.name);
  assert(!world.engine.attempts.includes(third.target.name));
});

Deno.test("a session makes so many attempts as its pool allows, each to another target, and ends with the last one's cause", async () => {
  using world = new SessionWorld({ retry: { attempts: 3, pauseMs: 60_000 } });
  const answers: Answer[] = ["refused", "unreachable", "timeout", "resource"];
  const targets = answers.map((answer) => {
    const { target } = world.target();
    world.engine.answer(target.addresses[0]!, answer);
    return target.name;
  });
  const { client, session } = await world.open();
  await closedWith(world, { session, client, reason: "connect_timeout" });
  assert.deepEqual(world.engine.attempts, targets.slice(0, 3));
});

Deno.test("a session that has tried every target asks each again after the pause, and ends with the last cause", async () => {
  using world = new SessionWorld({ retry: { attempts: 5, pauseMs: 10 } });
  const [first, second] = (["refused", "unreachable"] as const).map((answer) => {
    const { target } = world.target();
    world.engine.answer(target.addresses[0]!, answer);
    return target.name;
  });
  const startedAt = performance.now();
  const { client, session } = await world.open();
  const record = await closedWith(world, { session, client, reason: "connect_refused" });
  assert.deepEqual(record.attempts.map(({ target }) => target), [first, second, first, second, first]);
  assert.ok(performance.now() - startedAt >= 20, "each was asked again at once");
});

Deno.test("a session of a pool in which nobody serves is refused as no_target", async () => {
  using world = new SessionWorld();
  world.target({ serving: false });
  const { client, session } = await world.open();
  const record = await closedWith(world, { session, client, reason: "no_target" });
  assert.deepEqual(record.attempts, []);
});

Deno.test("a session of a pool in which everyone is full, and the line too, is refused as queue_full", async () => {
  using world = new SessionWorld({ queueSize: 1 });
  const one = world.target({ maxConnections: 1 });
  const first = await world.open();
  const target = await acceptFrom(one);
  const waiting = await world.open();
  await eventually("a client in line", () => world.queued === 1);
  const refused = await world.open();
  assert.equal(await refused.session.closed, "queue_full");
  assert.equal(world.shared.permits.taken(one.target.slot), 1);
  waiting.client.reset();
  assert.equal(await waiting.session.closed, "client_gone_queue");
  target.reset();
  await closedWith(world, { ...first, reason: "server_reset" });
});

for (const [slot, reason] of [[processSlot, "limit_process"], [listenerSlot, "limit_listener"]] as const) {
  Deno.test(`a session that gets no permit is refused as ${reason}, and the ones inside stay`, async () => {
    using world = new SessionWorld();
    const limits = [processSlot, listenerSlot].map((each) => ({
      slot: each,
      max: each === slot ? 1 : 10,
      reason: each === processSlot ? "limit_process" as const : "limit_listener" as const,
    }));
    const one = world.target();
    const inside = await world.open({ limits });
    const target = await acceptFrom(one);
    const refused = await world.open({ limits });
    assert.equal(await refused.session.closed, reason);
    assert.deepEqual([world.shared.permits.taken(processSlot), world.shared.permits.taken(listenerSlot)], [
      1,
      1,
    ]);
    assert.equal((await receive(refused.client)).end, "reset");
    await sendAll(target, payload(5, 4));
    await receiveExactly(inside.client, 5);
    target.reset();
    await closedWith(world, { ...inside, reason: "server_reset" });
    assert.equal(world.engine.attempts.length, 1);
  });
}

Deno.test("a session that finds a limit used up is served all the same when a permit comes back within the grace", async () => {
  using world = new SessionWorld();
  const one = world.target();
  const limits = [{ slot: processSlot, max: 1, reason: "limit_process" as const }];
  assert.ok(world.shared.permits.acquire(processSlot, 1), "another thread holds it");
  const permitGrace = {
    until: (ask: () => boolean) => {
      assert.ok(!ask());
      world.shared.permits.release(processSlot);
      assert.ok(ask());
      return Promise.resolve();
    },
  };
  const session = await world.open({ limits, permitGrace });
  const target = await acceptFrom(one);
  target.reset();
  await closedWith(world, { ...session, reason: "server_reset" });
});

Deno.test("a session that is cut while it waits because a limit is used up ends with the reason of the cut", async () => {
  using world = new SessionWorld();
  world.target();
  const limits = [{ slot: processSlot, max: 1, reason: "limit_process" as const }];
  assert.ok(world.shared.permits.acquire(processSlot, 1));
  const asked = Promise.withResolvers<() => boolean>();
  const over = Promise.withResolvers<void>();
  const permitGrace = {
    until: (ask: () => boolean) => {
      asked.resolve(ask);
      return over.promise;
    },
  };
  const { session } = await world.open({ limits, permitGrace });
  const ask = await asked.promise;
  session.cut("drain_deadline");
  assert.ok(ask(), "there is nothing more to wait for");
  over.resolve();
  assert.equal(await session.closed, "drain_deadline");
  assert.equal(world.permitsTaken, 1, "only that of the other thread");
});

const cutReasons: CutReason[] = ["target_down", "killed", "drain_deadline"];

for (const reason of cutReasons) {
  Deno.test(`a session that is cut while it relays ends as ${reason}, and both peers see a reset`, async () => {
    using world = new SessionWorld();
    const { client, session, target } = await served(world);
    // Only once a byte has come through is it a relay that is cut.
    await Promise.all([sendAll(client, payload(1, 5)), receiveExactly(target, 1)]);
    session.cut(reason);
    assert.equal((await receive(target)).end, "reset");
    assert.equal((await receive(client)).end, "reset");
    await closedWith(world, { session, client, reason });
  });

  Deno.test(`a session that is cut while it connects ends as ${reason}, without another attempt`, async () => {
    using world = new SessionWorld();
    const silent = world.target();
    world.target();
    world.engine.answer(silent.target.addresses[0]!, "silent");
    const { client, session } = await world.open();
    await eventually("an attempt", () => world.engine.attempts.length === 1);
    session.cut(reason);
    const record = await closedWith(world, { session, client, reason });
    assert.equal(world.engine.attempts.length, 1);
    assert.equal(record.target, null);
  });
}

Deno.test("a session that is cut twice keeps the first reason", async () => {
  using world = new SessionWorld();
  const { client, session } = await served(world);
  session.cut("target_down");
  session.cut("killed");
  await closedWith(world, { session, client, reason: "target_down" });
});
