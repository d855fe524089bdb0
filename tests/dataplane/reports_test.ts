import { portableEngine } from "../../lib/relay/portable/engine.ts";
import assert from "node:assert/strict";
import type { Report } from "../../lib/dataplane/messages.ts";
import { Outbox } from "../../lib/dataplane/outbox.ts";
import { BindError } from "../../lib/dataplane/listeners.ts";
import type { CloseRecord } from "../../lib/session/record.ts";
import type { SocketAddress } from "../../lib/values/address.ts";
import { eventually } from "../support/eventually.ts";
import { receive } from "../support/peer.ts";
import { bindAt, PlaneWorld, snapshotOf, targetAddress, targetAt } from "../support/plane_world.ts";

type Events = Extract<Report, { type: "events" }>;

function outbox(): { box: Outbox; posted: Events[] } {
  const posted: Events[] = [];
  return { box: new Outbox((report) => posted.push(report as Events), portableEngine().after), posted };
}

function record(id: string): CloseRecord {
  const ms = { queue: null, connect: null, firstByte: null, total: 0 };
  const names = { listener: "web", pool: "app", target: null, client: "192.0.2.1:1" };
  return {
    time: 0,
    reason: "done",
    id,
    ...names,
    attempts: [],
    bytes: { received: 0, sent: 0 },
    ms,
    generation: 1,
  };
}

const attempt = {
  target: "10.0.0.1:1",
  error: "connect_refused" as const,
  ms: 1,
  session: "0.1",
  pool: "app",
  detail: "connection refused",
};

Deno.test("what happens in one moment goes out in one report", async () => {
  const { box, posted } = outbox();
  box.closed(record("a"));
  box.closed(record("b"));
  box.failedAttempt(attempt);
  box.acceptError("web", "too many open files");
  box.acceptError("web", "too many open files");
  box.acceptError("api", "too many open files");
  box.fault("broken");
  await eventually("a report", () => posted.length > 0);
  assert.deepEqual(posted, [{
    type: "events",
    closed: [record("a"), record("b")],
    failedAttempts: [attempt],
    acceptErrors: [
      { listener: "web", cause: "too many open files", count: 2 },
      { listener: "api", cause: "too many open files", count: 1 },
    ],
    faults: ["broken"],
    lost: 0,
  }]);
});

Deno.test("nothing is reported twice", async () => {
  const { box, posted } = outbox();
  box.closed(record("a"));
  box.acceptError("web", "reset");
  box.flush();
  box.closed(record("b"));
  box.acceptError("web", "reset");
  await eventually("a second report", () => posted.length === 2);
  assert.deepEqual(posted.map(({ closed }) => closed.map(({ id }) => id)), [["a"], ["b"]]);
  assert.deepEqual(posted.map(({ acceptErrors }) => acceptErrors[0]?.count), [1, 1]);
});

Deno.test("a report that has gone out is not changed by what comes after it", () => {
  const { box, posted } = outbox();
  box.closed(record("a"));
  box.flush();
  box.closed(record("b"));
  box.flush();
  assert.deepEqual(posted[0]?.closed.map(({ id }) => id), ["a"]);
});

Deno.test("a fault is reported with the place where it happened", () => {
  const { box, posted } = outbox();
  box.fault(new Error("broken"));
  box.flush();
  assert.match(posted[0]?.faults[0] ?? "", /broken[^]*reports_test/);
});

Deno.test("records that nobody fetches take bounded memory, the older ones kept", () => {
  const { box, posted } = outbox();
  const one = record("first");
  box.closed(one);
  const other = record("other");
  for (let i = 0; i < 200_000; i++) box.closed(other);
  box.flush();
  assert.equal(posted[0]?.closed[0], one);
  assert((posted[0]?.closed.length ?? Infinity) <= 50_000);
  assert.equal((posted[0]?.closed.length ?? 0) + (posted[0]?.lost ?? 0), 200_001);
});

Deno.test("an attempt that failed is reported at once, not with the end of its session", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(2);
  world.engine.answer(targetAddress(1), "unreachable");
  world.start(snapshotOf([targetAt(1), targetAt(2)]));
  const { client, target } = await world.session(listener);
  const attempts = () =>
    world.reports.flatMap((report) => report.type === "events" ? report.failedAttempts : []);
  await eventually("the failed attempt", () => attempts().length > 0);
  const [{ ms, detail, ...attempt } = { ms: NaN, detail: "" }] = attempts();
  assert(ms >= 0);
  assert.notEqual(detail, "");
  assert.deepEqual(attempt, {
    target: "10.0.1.1:1",
    error: "connect_unreachable",
    session: "0.1",
    pool: "app",
  });
  assert.equal(world.closed.length, 0);
  await Promise.all([client.closeWrite(), target.closeWrite()]);
  await world.end();
  assert.equal(attempts().length, 1);
});

Deno.test("accepts that fail are reported with their listener", async () => {
  using world = new PlaneWorld();
  world.start(snapshotOf([]));
  for (let i = 0; i < 3; i++) {
    world.engine.failAccept({ kind: "tcp", host: "10.0.0.1", port: 80 }, "no descriptors");
  }
  await world.end();
  const errors = world.reports.flatMap((report) => report.type === "events" ? report.acceptErrors : []);
  assert.deepEqual(errors, [{ listener: "web", cause: "no descriptors", count: 3 }]);
});

Deno.test("an accept that fails while its bind goes is reported with its listener", async () => {
  using world = new PlaneWorld();
  const onErrors: ((cause: string) => void)[] = [];
  const listen = world.engine.listen.bind(world.engine);
  world.engine.listen = (address, options) => {
    onErrors.push(options.onError);
    return listen(address, options);
  };
  world.start(snapshotOf([]));
  const unbound = world.plane.unbind([bindAt({ kind: "tcp", host: "10.0.0.1", port: 80 }).key]);
  onErrors[0]!("no descriptors");
  await unbound;
  await world.end();
  const errors = world.reports.flatMap((report) => report.type === "events" ? report.acceptErrors : []);
  assert.deepEqual(errors.map(({ listener }) => listener), ["web"]);
});

const [free, taken]: [SocketAddress, SocketAddress] = [
  { kind: "tcp", host: "10.0.0.9", port: 1 },
  { kind: "tcp", host: "10.0.0.9", port: 2 },
];

Deno.test("binding takes all addresses or none, and says which one failed and why", () => {
  using world = new PlaneWorld();
  using _holder = world.engine.listen(taken, { shared: false, onError: () => {} });
  assert.throws(() => world.plane.bind([bindAt(free), bindAt(taken)]), (error) => {
    assert(error instanceof BindError);
    assert.equal(error.key, bindAt(taken).key);
    assert.match(error.message, /in use/);
    return true;
  });
  using _again = world.engine.listen(free, { shared: false, onError: () => {} });
});

Deno.test("binding returns the addresses in fact bound, in the order asked for", async () => {
  using world = new PlaneWorld();
  const any: SocketAddress = { kind: "tcp", host: "10.0.0.9", port: 0 };
  const [first, second] = world.plane.bind([bindAt(any), bindAt(free)]);
  assert(first?.kind === "tcp" && first.port > 0);
  assert.deepEqual(second, free);
  await world.end();
});

Deno.test("a bind that fails leaves the listeners that are there alone", async () => {
  using world = new PlaneWorld();
  using _holder = world.engine.listen(taken, { shared: false, onError: () => {} });
  world.start(snapshotOf([]));
  assert.throws(() => world.plane.bind([bindAt(taken)]), BindError);
  assert.equal((await receive(world.client())).end, "reset");
  await world.end();
});

Deno.test("what happens is reported within some hundredths of a second", () => {
  const waits: number[] = [];
  const box = new Outbox(() => {}, (ms) => {
    waits.push(ms);
    return () => {};
  });
  box.closed(record("a"));
  assert.equal(waits.length, 1);
  assert(waits[0]! <= 50, `${waits[0]} ms`);
});
