import assert from "node:assert/strict";
import { type HealthChange, Monitor, type MonitorOptions } from "../../lib/health/monitor.ts";
import type { HealthSpec, ProbeResult, Watched } from "../../lib/health/spec.ts";
import { FakeClock, seeded, settled } from "./support/fake_clock.ts";
import { closedPort, loopback, says, serve, socketsLeft, untilClosed } from "./support/servers.ts";
import { http, tcp } from "./support/specs.ts";

function watched(key: string, health: HealthSpec = tcp({ jitter: 0 }), port = 1): Watched {
  return { key, target: loopback(port), health };
}

function result(ok: boolean | "inconclusive"): ProbeResult {
  if (ok === "inconclusive") {
    return { outcome: ok, ms: 1, detail: "no free file descriptor", address: undefined };
  }
  return ok
    ? { outcome: "passed", ms: 1, detail: "connected", address: "127.0.0.1" }
    : { outcome: "failed", ms: 1, detail: "connection refused", address: undefined };
}

/** A monitor on a fake clock whose probes answer at once what `answer` says. */
function setUp(
  answer: (now: number, port: number) => boolean | "inconclusive",
  options: Partial<MonitorOptions> = {},
) {
  const clock = new FakeClock();
  const changes: HealthChange[] = [];
  const startedAt: number[] = [];
  const monitor = new Monitor({
    clock,
    random: seeded(1),
    onChange: (change) => changes.push(change),
    probe: (_spec, { port }) => {
      startedAt.push(clock.now());
      return Promise.resolve(result(answer(clock.now(), port)));
    },
    ...options,
  });
  return { clock, changes, startedAt, monitor };
}

Deno.test("one probe decides while checking, then fall and rise in a row", async () => {
  const { clock, changes, monitor } = setUp((now) => now < 1000 || now >= 10_000);
  await using _ = monitor;
  monitor.update([watched("a")]);
  assert.equal(monitor.state("a"), "checking");
  await clock.advance(30_000);
  assert.deepEqual(changes, [
    { key: "a", from: "checking", to: "up", detail: "connected", changedAt: 0 },
    { key: "a", from: "up", to: "down", detail: "connection refused", changedAt: 3000 },
    { key: "a", from: "down", to: "up", detail: "connected", changedAt: 13_500 },
  ]);
  assert.deepEqual(monitor.lastProbe("a"), { ...result(true), at: 29_500 });
});

Deno.test("a target without a check is up at once and never probed", async () => {
  const { clock, changes, startedAt, monitor } = setUp(() => false);
  await using _ = monitor;
  monitor.update([watched("a", { check: "none" })]);
  await monitor.firstRound();
  await clock.advance(10_000);
  assert.deepEqual([monitor.state("a"), changes, startedAt], ["up", [], []]);
});

Deno.test("the first round ends with the last first verdict; a given initial state needs none", async () => {
  const clock = new FakeClock();
  const open: ((ok: boolean) => void)[] = [];
  await using monitor = new Monitor({
    clock,
    onChange: () => {},
    probe: (_spec, _target, { signal }) =>
      new Promise((resolve) => {
        open.push((ok) => resolve(result(ok)));
        signal.addEventListener("abort", () => resolve(result("inconclusive")));
      }),
  });
  let done = false;
  monitor.update([
    watched("a"),
    watched("b"),
    watched("c", tcp({ initial: "down" })),
    watched("d", { check: "none" }),
  ]);
  monitor.firstRound().then(() => done = true);
  await clock.advance(100);
  assert.equal(open.length, 3);
  open[0]?.(true);
  await settled();
  assert.equal(done, false);
  open[1]?.(false);
  await settled();
  assert.equal(done, true);
  assert.deepEqual(["a", "b", "c", "d"].map((key) => monitor.state(key)), ["up", "down", "down", "up"]);
});

Deno.test("an inconclusive probe changes nothing and is repeated soon", async () => {
  let local = false;
  const { clock, changes, startedAt, monitor } = setUp(() => local ? "inconclusive" : true);
  await using _ = monitor;
  monitor.update([watched("a")]);
  await clock.advance(1000);
  local = true;
  await clock.advance(59_000);
  assert.equal(changes.length, 1);
  assert.deepEqual(startedAt.slice(0, 4), [0, 2000, 2500, 3000]);
});

Deno.test("an inconclusive probe neither breaks nor lengthens a row of failures", async () => {
  const answers: (boolean | "inconclusive")[] = [true, false, "inconclusive", false, "inconclusive", false];
  const { clock, changes, monitor } = setUp(() => answers.shift() ?? false);
  await using _ = monitor;
  monitor.update([watched("a")]);
  await clock.advance(2000 + 4 * 500 - 1);
  assert.equal(monitor.state("a"), "up");
  await clock.advance(1);
  assert.equal(changes.at(-1)?.to, "down");
});

Deno.test("inconclusive probes do not hold up the first round for ever", async () => {
  const { clock, monitor } = setUp(() => "inconclusive");
  await using _ = monitor;
  monitor.update([watched("a")]);
  const first = monitor.firstRound();
  await clock.advance(2000);
  await first;
  assert.equal(monitor.state("a"), "checking");
});

Deno.test("probes of one target never overlap, however slow they are and however often its spec changes", async () => {
  const clock = new FakeClock();
  const running = new Map<number, number>();
  let most = 0;
  let probes = 0;
  await using monitor = new Monitor({
    clock,
    random: seeded(7),
    onChange: () => {},
    probe: async (_spec, { port }) => {
      probes++;
      running.set(port, (running.get(port) ?? 0) + 1);
      most = Math.max(most, running.get(port) ?? 0);
      // It ignores the abort: the next loop has to wait for it all the same.
      await clock.sleep(700);
      running.set(port, (running.get(port) ?? 0) - 1);
      return result(true);
    },
  });
  for (let round = 0; round < 20; round++) {
    const spec = tcp({ intervalMs: 100, timeoutMs: 500 + round });
    monitor.update([1, 2, 3].map((port) => watched(`t${port}`, spec, port)));
    await clock.advance(1234);
  }
  assert.equal(most, 1);
  assert.ok(probes > 60);
  const closed = monitor.close();
  await clock.advance(1000);
  await closed;
});

Deno.test("an update keeps what stays, its state over a new spec, and drops the rest", async () => {
  const { clock, changes, startedAt, monitor } = setUp((_now, port) => port !== 2);
  await using _ = monitor;
  const b = watched("b", undefined, 2);
  monitor.update([watched("a"), b, watched("c")]);
  await clock.advance(100);
  assert.deepEqual(changes.map(({ key, to }) => `${key} ${to}`), ["a up", "b down", "c up"]);
  const before = startedAt.length;
  monitor.update([watched("a"), { ...b, health: tcp({ jitter: 0, intervalMs: 9000 }) }]);
  assert.deepEqual(["a", "b", "c"].map((key) => monitor.state(key)), ["up", "down", undefined]);
  await clock.advance(1000);
  assert.equal(startedAt.length, before + 1, "only the one with the new spec is probed anew");
  assert.equal(changes.length, 3);
  monitor.update([watched("a", undefined, 2), { ...b, health: { check: "none" } }]);
  assert.equal(monitor.state("a"), "checking", "another port is another target");
  assert.deepEqual(changes.at(-1), {
    key: "b",
    from: "down",
    to: "up",
    detail: "no health check",
    changedAt: 1100,
  });
  await clock.advance(10);
  assert.equal(monitor.state("a"), "down");
});

Deno.test("200 targets probed each second are spread: no 50 ms hold more than three times the mean", async () => {
  const { clock, startedAt, monitor } = setUp(() => true);
  await using _ = monitor;
  const spec = tcp({ intervalMs: 1000 });
  monitor.update(Array.from({ length: 200 }, (_, i) => watched(`t${i}`, spec, i)));
  await clock.advance(60_000);
  assert.ok(startedAt.length > 200 * 55, `${startedAt.length} probes`);
  let first = 0;
  let most = 0;
  startedAt.forEach((at, last) => {
    while ((startedAt[first] ?? 0) < at - 50) first++;
    most = Math.max(most, last - first + 1);
  });
  assert.ok(most <= 30, `${most} in 50 ms, 10 is the mean`);
});

for (const seed of [1, 2, 3, 4, 5]) {
  Deno.test(`a target that flaps every 500 ms changes at most once for each fall x interval, seed ${seed}`, async () => {
    const { clock, changes, monitor } = setUp((now) => Math.floor(now / 500) % 2 === 0, {
      random: seeded(seed),
    });
    await using _ = monitor;
    monitor.update([watched("a", tcp())]);
    await clock.advance(600_000);
    assert.ok(changes.length - 1 <= 600_000 / (3 * 2000), `${changes.length - 1} changes in ten minutes`);
  });
}

Deno.test("close aborts probes in flight, ends the first round, and leaves nothing behind", async () => {
  let port = 0;
  {
    await using silent = serve(untilClosed);
    port = silent.port;
    const monitor = new Monitor({ onChange: () => assert.fail("an aborted probe decides nothing") });
    monitor.update([watched("a", http({ timing: tcp({ timeoutMs: 60_000 }).timing }), silent.port)]);
    const first = monitor.firstRound();
    await monitor.close();
    await first;
    assert.throws(() => monitor.update([]), /closed/);
  }
  assert.equal(await socketsLeft(port), 0);
});

Deno.test("real targets get real verdicts with the cause", async () => {
  await using good = serve(says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"));
  await using bad = serve(says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndown"));
  const changes: string[] = [];
  await using monitor = new Monitor({
    onChange: ({ key, to, detail }) => changes.push(`${key} ${to}: ${detail}`),
  });
  monitor.update([
    watched("good", http(), good.port),
    watched("bad", http(), bad.port),
    watched("gone", tcp(), closedPort()),
  ]);
  await monitor.firstRound();
  assert.deepEqual(changes.sort(), [
    'bad down: body "down", wanted "up"',
    "gone down: connection refused",
    "good up: status 200",
  ]);
});

Deno.test("new addresses of a name change neither its verdict nor the time of its next probe, which dials them", async () => {
  const dialled: string[] = [];
  const { clock, startedAt, changes, monitor } = setUp(() => true, {
    probe: (_spec, { addresses }) => {
      startedAt.push(clock.now());
      dialled.push(addresses.join(" "));
      return Promise.resolve(result(true));
    },
  });
  await using _ = monitor;
  const named = (...addresses: string[]): Watched => ({
    key: "a",
    target: { host: "app.test", port: 80, addresses },
    health: tcp({ jitter: 0 }),
  });
  monitor.update([named("192.0.2.1")]);
  await clock.advance(1000);
  monitor.update([named("192.0.2.2", "192.0.2.3")]);
  assert.equal(monitor.state("a"), "up");
  await clock.advance(1000);
  assert.deepEqual(startedAt, [0, 2000]);
  assert.deepEqual(dialled, ["192.0.2.1", "192.0.2.2 192.0.2.3"]);
  assert.equal(changes.length, 1);
});

Deno.test("a name that gets its first address, or loses its last, is probed at once", async () => {
  const { clock, startedAt, changes, monitor } = setUp(() => true, {
    probe: (_spec, { addresses, unresolved = "" }) => {
      startedAt.push(clock.now());
      const found = addresses.length > 0;
      return Promise.resolve(found ? result(true) : { ...result(false), detail: unresolved });
    },
  });
  await using _ = monitor;
  const named = (...addresses: string[]): Watched => ({
    key: "a",
    target: { host: "app.test", port: 80, addresses, unresolved: "host not found" },
    health: tcp({ jitter: 0, rise: 1, fall: 1 }),
  });
  monitor.update([named()]);
  await clock.advance(3000);
  monitor.update([named("192.0.2.1")]);
  await clock.advance(100);
  monitor.update([named()]);
  await clock.advance(100);
  assert.deepEqual(startedAt, [0, 3000, 3100]);
  assert.deepEqual(changes.map(({ to, detail }) => [to, detail]), [
    ["down", "host not found"],
    ["up", "connected"],
    ["down", "host not found"],
  ]);
});

Deno.test("a target without a check is down with the cause while its name stands for nothing", async () => {
  const { clock, startedAt, changes, monitor } = setUp(() => true);
  await using _ = monitor;
  const named = (...addresses: string[]): Watched => ({
    key: "a",
    target: { host: "app.test", port: 80, addresses, unresolved: "host not found" },
    health: { check: "none" },
  });
  monitor.update([named()]);
  await monitor.firstRound();
  monitor.update([named("192.0.2.1")]);
  monitor.update([named()]);
  await clock.advance(10_000);
  assert.deepEqual(changes.map(({ from, to, detail }) => [from, to, detail]), [
    ["checking", "down", "host not found"],
    ["down", "up", "no health check"],
    ["up", "down", "host not found"],
  ]);
  assert.deepEqual(startedAt, []);
});

Deno.test("a probe function that throws, rejects or never ends is inconclusive, is reported once, and ends nothing else", async () => {
  const reports: string[] = [];
  const broken: { readonly [host: string]: () => Promise<ProbeResult> } = {
    throws: () => {
      throw new TypeError("at once");
    },
    rejects: () => Promise.reject(new Error("later")),
    "rejects with nothing": () => Promise.reject(undefined),
    "never ends": () => new Promise(() => {}),
    works: () => Promise.resolve(result(true)),
  };
  const counts = new Map<string, number>();
  const { clock, changes, monitor } = setUp(() => true, {
    onInconclusive: ({ key, detail }) => reports.push(`${key}: ${detail}`),
    probe: (_spec, { host }) => {
      counts.set(host, (counts.get(host) ?? 0) + 1);
      return broken[host]!();
    },
  });
  monitor.update(
    Object.keys(broken).map((host) => ({
      key: host,
      target: { host, port: 1, addresses: ["192.0.2.1"] },
      health: tcp({ jitter: 0 }),
    })),
  );
  const first = monitor.firstRound();
  await clock.advance(20_000);
  await first;
  assert.deepEqual(reports.sort(), [
    "never ends: the probe itself did not end",
    'rejects with nothing: the probe itself failed: "undefined"',
    'rejects: the probe itself failed: "Error: later"',
    'throws: the probe itself failed: "TypeError: at once"',
  ]);
  assert.deepEqual(changes.map(({ key, to }) => `${key} ${to}`), ["works up"]);
  assert.ok((counts.get("never ends") ?? 0) > 3, "it is probed again");
  assert.ok((counts.get("works") ?? 0) >= 10, "the others go on");
  const closed = monitor.close();
  await clock.advance(10_000);
  await closed;
});

Deno.test("a cause that thousands of targets share is reported once, and again when it has been gone", async () => {
  const reports: string[] = [];
  let local = true;
  const { clock, monitor } = setUp(() => local ? "inconclusive" : true, {
    onInconclusive: ({ detail }) => reports.push(detail),
  });
  await using _ = monitor;
  monitor.update(Array.from({ length: 3000 }, (_, i) => watched(`t${i}`, undefined, i)));
  await clock.advance(4000);
  assert.deepEqual(reports.splice(0), ["no free file descriptor"]);
  local = false;
  await clock.advance(4000);
  local = true;
  await clock.advance(4000);
  assert.deepEqual(reports, ["no free file descriptor"]);
});

/** A monitor whose probes each take so long, and what has been seen of them. */
function slowProbes(tookMs: number, options: Partial<MonitorOptions> = {}) {
  const clock = new FakeClock();
  const seen = { underWay: 0, mostUnderWay: 0, started: [] as number[] };
  const monitor = new Monitor({
    clock,
    random: seeded(3),
    onChange: () => {},
    probe: async (_spec, { port }) => {
      seen.started.push(port);
      seen.mostUnderWay = Math.max(seen.mostUnderWay, ++seen.underWay);
      await clock.sleep(tookMs);
      seen.underWay--;
      return result(true);
    },
    ...options,
  });
  return { clock, seen, monitor };
}

Deno.test("at most so many probes run at once; the others wait in order, and the wait is not charged to them", async () => {
  const { clock, seen, monitor } = slowProbes(900, { maxUnderWay: 10 });
  monitor.update(Array.from({ length: 100 }, (_, i) => watched(`t${i}`, tcp({ jitter: 0 }), i)));
  const first = monitor.firstRound();
  await clock.advance(10 * 900 + 1000);
  await first;
  assert.equal(seen.mostUnderWay, 10);
  assert.deepEqual(seen.started.slice(0, 100), Array.from({ length: 100 }, (_, i) => i));
  assert.ok(Array.from({ length: 100 }, (_, i) => monitor.state(`t${i}`)).every((state) => state === "up"));
  const closed = monitor.close();
  await clock.advance(1000);
  await closed;
});

Deno.test("what cannot be kept up with is reported once, with the figures, and again after it has ended", async () => {
  const reports: { wantedPerSecond: number; donePerSecond: number }[] = [];
  const { clock, monitor } = slowProbes(900, { maxUnderWay: 10, onOverload: (load) => reports.push(load) });
  const spec = tcp({ jitter: 0 });
  const set = (count: number) =>
    monitor.update(Array.from({ length: count }, (_, i) => watched(`t${i}`, spec, i)));
  set(100);
  await clock.advance(60_000);
  assert.equal(reports.length, 1);
  assert.equal(Math.round(reports[0]?.wantedPerSecond ?? 0), 50);
  assert.equal(Math.round(reports[0]?.donePerSecond ?? 0), 11);
  set(10);
  await clock.advance(60_000);
  assert.equal(reports.length, 1, "ten targets can be kept up with");
  set(100);
  await clock.advance(60_000);
  assert.equal(reports.length, 2);
  const closed = monitor.close();
  await clock.advance(1000);
  await closed;
});

Deno.test("a process that stood still for a minute is not overloaded", async () => {
  const clock = new FakeClock();
  await using monitor = new Monitor({
    clock,
    onChange: () => {},
    onOverload: () => assert.fail("it is not"),
    probe: () => Promise.resolve(result(true)),
  });
  monitor.update(Array.from({ length: 100 }, (_, i) => watched(`t${i}`, undefined, i)));
  for (let stall = 0; stall < 5; stall++) {
    await clock.advance(15_000);
    await clock.jump(60_000);
  }
  await clock.advance(15_000);
});

Deno.test("a probe gets the address that worked last", async () => {
  const preferred: (string | undefined)[] = [];
  const answers = ["192.0.2.2", undefined, "192.0.2.1"];
  const { clock, monitor } = setUp(() => true, {
    probe: (_spec, _target, options) => {
      preferred.push(options.preferred);
      return Promise.resolve({ ...result(true), address: answers.shift() });
    },
  });
  await using _ = monitor;
  monitor.update([watched("a")]);
  await clock.advance(6000);
  assert.deepEqual(preferred, [undefined, "192.0.2.2", "192.0.2.2", "192.0.2.1"]);
});

Deno.test("without targets, and after close, nothing ticks", async () => {
  const { clock, monitor } = setUp(() => true);
  monitor.update([watched("a"), watched("b")]);
  await clock.advance(5000);
  assert.ok(clock.waiting > 0);
  monitor.update([]);
  await clock.advance(5000);
  assert.equal(clock.waiting, 0);
  monitor.update([watched("a")]);
  await monitor.close();
  assert.equal(clock.waiting, 0);
});

Deno.test("what a probe finds out about a target that is checked otherwise by now counts for nothing", async () => {
  const clock = new FakeClock();
  const answers = [false, true];
  const changes: HealthChange[] = [];
  await using monitor = new Monitor({
    clock,
    onChange: (change) => changes.push(change),
    probe: async () => {
      const ok = answers.shift() ?? true;
      await clock.sleep(500);
      return result(ok);
    },
  });
  monitor.update([watched("a"), watched("b")]);
  await clock.advance(100);
  monitor.update([watched("a", tcp({ jitter: 0, fall: 5 }))]);
  await clock.advance(450);
  assert.deepEqual([changes, monitor.lastProbe("a")], [[], undefined]);
  await clock.advance(500);
  assert.deepEqual(changes.map(({ key, to }) => `${key} ${to}`), ["a up"]);
});

Deno.test("targets that take longer to answer than their interval are no overload", async () => {
  const { clock, monitor } = slowProbes(400, { onOverload: () => assert.fail("it is not") });
  const spec = tcp({ jitter: 0, intervalMs: 100 });
  monitor.update(Array.from({ length: 20 }, (_, i) => watched(`t${i}`, spec, i)));
  await clock.advance(60_000);
  const closed = monitor.close();
  await clock.advance(1000);
  await closed;
});

Deno.test("4,000 targets, probed every 2 s, are all up within their first interval, and stay so without an overload", async () => {
  const { clock, seen, monitor } = slowProbes(40, { onOverload: () => assert.fail("it is not") });
  const keys = Array.from({ length: 4000 }, (_, i) => `t${i}`);
  monitor.update(keys.map((key, i) => watched(key, tcp(), i)));
  const first = monitor.firstRound();
  await clock.advance(2200);
  await first;
  assert.ok(keys.every((key) => monitor.state(key) === "up"));
  await clock.advance(12_000);
  assert.ok(keys.every((key) => monitor.state(key) === "up"));
  assert.ok(seen.started.length > 4000 * 6, `${seen.started.length} probes`);
  const closed = monitor.close();
  await clock.advance(1000);
  await closed;
});
