import assert from "node:assert/strict";
import { ClientStream } from "../support/client_stream.ts";
import { eventually } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { type LogLine, RunningLb } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { ResettingTarget } from "../support/raw_sockets.ts";
import { soak, times } from "../support/soak.ts";
import { named, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const clients = times({ short: 300, long: 20_000 });
/** More would take longer than an ejection, behind which a target is tried again. */
const ofNobody = times({ short: 300, long: 2_000 });
const maxMs = times({ short: 30_000, long: 300_000 });
const failures = 5;
const lanes = 4;

function startLb(targets: readonly string[], pool: string): Promise<RunningLb> {
  return RunningLb.start(yaml({ targets, pool: `health: none, ${pool}`, top: "log: { access: all }" }));
}

function isMessage(wanted: RegExp) {
  return ({ message }: LogLine) => wanted.test(message ?? "");
}

/** Clients that come until so many were served; how many were not is what the others noticed. */
async function noticed(lb: RunningLb): Promise<number> {
  await using stream = new ClientStream({ port: lb.port(), lanes });
  await eventually("they are served", () => stream.count("a") + stream.count("b") >= clients, { maxMs });
  const { a = 0, b = 0, ...others } = await stream.stop();
  assert.ok(Math.abs(a - b) <= (a + b) / 4, `${a} and ${b}`);
  return Object.values(others).reduce((sum, count) => sum + count, 0);
}

Deno.test("of three targets one that resets every session before its first byte is found out by a few clients", async () => {
  await using a = new Target(named("a"));
  await using b = new Target(named("b"));
  // Without FFI a test cannot reset; a connection that is closed on unread input ends by an RST, too.
  await using bad = new ResettingTarget(async (conn) => void await conn.receive(1));
  await using lb = await startLb(
    [a.address, bad.address, b.address],
    `ejection: { consecutiveFailures: ${failures} }`,
  );
  const count = await noticed(lb);
  figure("clients that noticed", { row: 24, is: count, most: 10, unit: "" });
  // Besides those that eject it, who came until that was decided: on a busy machine more, but never a third of all.
  assert.ok(count >= 1 && count <= clients / 5, `${count} clients noticed`);
  const ejected = await lb.line(isMessage(/ejected/));
  assert.equal(ejected["target"], bad.address);
});

Deno.test("of three targets one that refuses costs no client anything, and is asked no more once it is ejected", async () => {
  await using a = new Target(named("a"));
  await using b = new Target(named("b"));
  using port = new ReservedPort();
  await using lb = await startLb(
    [a.address, port.address, b.address],
    `ejection: { consecutiveFailures: ${failures} }`,
  );
  assert.equal(await noticed(lb), 0);
  await lb.line(isMessage(/ejected/));
  const tries = lb.records.flatMap(({ attempts }) => attempts as { target: string }[])
    .filter(({ target }) => target === port.address).length;
  assert.ok(tries <= clients / 5, `it was tried ${tries} times`);
});

Deno.test("of targets that all fail no more than maxShare are ejected, and the others are tried on", async () => {
  using ports = new DisposableStack();
  const targets = Array.from({ length: 5 }, () => ports.use(new ReservedPort()).address);
  await using lb = await startLb(targets, "ejection: { consecutiveFailures: 3 }, retry: { attempts: 1 }");
  await using stream = new ClientStream({ port: lb.port(), lanes });
  await lb.line(isMessage(/maxShare/));
  const before = lb.records.length;
  await lb.until(() => lb.records.length > before + ofNobody || undefined);
  await stream.stop();
  const ejected = lb.lines.filter(isMessage(/is ejected/)).map(({ target }) => target);
  assert.equal(ejected.length, 2);
  const tried = lb.records.slice(-lanes * 10).flatMap(({ attempts }) => attempts as { target: string }[]);
  assert.deepEqual(
    new Set(tried.map(({ target }) => target)),
    new Set(targets.filter((target) => !ejected.includes(target))),
  );
});

Deno.test("an ejected target that works again comes back by one session that tries it", async () => {
  await using a = new Target(named("a"));
  using port = new ReservedPort();
  const pool = "ejection: { consecutiveFailures: 3, baseTime: 500ms, maxTime: 1s }";
  await using lb = await startLb([a.address, port.address], pool);
  await using stream = new ClientStream({ port: lb.port(), lanes });
  await lb.line(isMessage(/ejected/));
  await using _ = new Target(named("b"), { hostname: port.hostname, port: port.port });
  await lb.until(() => stream.count("b") > 20 || undefined);
  const { a: first = 0, b: second = 0, ...others } = await stream.stop();
  assert.deepEqual(others, {});
  assert.ok(first > 0 && second > 20);
});

Deno.test("with mode: observe a failing target is told of and tried all the same", async () => {
  await using a = new Target(named("a"));
  using port = new ReservedPort();
  const pool = "ejection: { consecutiveFailures: 3, mode: observe }";
  await using lb = await startLb([a.address, port.address], pool);
  await using stream = new ClientStream({ port: lb.port(), lanes });
  await lb.line(isMessage(/would be ejected/));
  const before = stream.count("a");
  await lb.until(() => stream.count("a") > before + (soak ? 500 : 50) || undefined);
  await stream.stop();
  const tries = lb.records.slice(before).flatMap(({ attempts }) => attempts as { error: string | null }[])
    .filter(({ error }) => error === "connect_refused").length;
  assert.ok(tries > 10, `it was tried ${tries} times`);
});
