import assert from "node:assert/strict";
import { assertRefused, Client } from "../support/client.ts";
import { ClientStream } from "../support/client_stream.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { ProbeLoad } from "../support/probe.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { times } from "../support/soak.ts";
import { echo, named, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const health =
  "health: { interval: 100ms, fastInterval: 50ms, downInterval: 100ms, timeout: 1s, rise: 1, fall: 2 }";
const lanes = 16;
const awayMs = times({ short: 1_000, long: 5_000 });
const shortlyAwayMs = times({ short: 500, long: 3_000 });

function isState(state: string) {
  return (line: { readonly [field: string]: unknown }) => line["state"] === state && "from" in line;
}

for (const workers of [1, 2]) {
  Deno.test(`with hold, no client notices that the only target restarts, ${workers} workers`, async () => {
    using port = new ReservedPort();
    const listen = { hostname: port.hostname, port: port.port };
    let target = new Target(named("a"), listen);
    await using lb = await RunningLb.start(yaml({
      targets: [port.address],
      pool: `${health}, hold: 30s`,
      process: `workers: ${workers}`,
      top: "log: { access: all }",
    }));
    await using stream = new ClientStream({ port: lb.port(), lanes });
    await lb.until(() => stream.count("a") > 20 || undefined);
    await target[Symbol.asyncDispose]();
    await lb.line(isState("down"));
    // Who was inside the target when it died, or in its accept queue, is lost with it.
    const inside = stream.count("ended") + stream.count("reset");
    assert.ok(inside <= lanes, `${inside} were inside`);
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    const served = stream.count("a");
    target = new Target(named("a"), listen);
    await using _ = target;
    await lb.until(() => stream.count("a") > served + 50 || undefined);
    const { a = 0, ended = 0, reset = 0, ...others } = await stream.stop();
    assert.deepEqual([ended + reset - inside, others], [0, {}], "somebody noticed");
    assert.ok(a > served);
    const held = lb.records.map(({ ms }) => (ms as { queue: number | null }).queue ?? 0);
    figure("the longest wait of a held client", {
      row: 101,
      is: Math.max(...held),
      most: awayMs + 1_000,
      unit: "ms",
    });
  });
}

Deno.test("with hold and nothing else, clients that come all the time are served while the only target restarts", async () => {
  using port = new ReservedPort();
  const listen = { hostname: port.hostname, port: port.port };
  await using before = new Target(echo, listen);
  const pool = "hold: 20s";
  await using lb = await RunningLb.start(
    yaml({ targets: [port.address], pool, top: "log: { access: all }" }),
  );
  await using load = new ProbeLoad({ port: lb.port() });
  const second = times({ short: 50, long: 200 });
  await load.more(second);
  await before[Symbol.asyncDispose]();
  const goneAtMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, shortlyAwayMs));
  await using _ = new Target(echo, listen);
  await load.more(times({ short: 2, long: 15 }) * second);
  const all = await load.stop();

  // Whom the target had inside, or in its accept queue, is lost with it.
  const failed = all.filter(({ failure }) => failure !== undefined);
  assert.deepEqual(failed.filter(({ startedAtMs }) => startedAtMs > goneAtMs), []);
  assert.deepEqual(lb.records.filter(({ target }) => target === null), []);
  figure(`failed of ${all.length} clients, all of whom the target had inside`, {
    row: 101,
    is: failed.length,
    most: 2,
    unit: "",
  });
  figure("the slowest of them", {
    row: 101,
    is: Math.max(...all.map(({ tookMs }) => tookMs)),
    most: shortlyAwayMs + 1_000,
    unit: "ms",
  });
});

Deno.test("a client that is held longer than hold is refused with its reason", async () => {
  using port = new ReservedPort();
  await using lb = await RunningLb.start(yaml({ targets: [port.address], pool: `${health}, hold: 300ms` }));
  await assertRefused(lb.port());
  const record = await lb.line((line) => line["reason"] === "hold_timeout");
  assert.ok((record["ms"] as { queue: number }).queue >= 300);
  assert.deepEqual(record["attempts"], []);
});

Deno.test("a client whose only target restarts is served by a later attempt, without a health check and without hold", async () => {
  using port = new ReservedPort();
  const pool = "health: none, retry: { attempts: 50, pause: 100ms }";
  await using lb = await RunningLb.start(
    yaml({ targets: [port.address], pool, top: "log: { access: all }" }),
  );
  using client = await Client.open(lb.port());
  const isServed = client.isEchoed("hello");
  await new Promise((resolve) => setTimeout(resolve, 250));
  await using _target = new Target(echo, { hostname: port.hostname, port: port.port });
  assert.ok(await isServed);
  client[Symbol.dispose]();
  const record = await lb.line((line) => line["reason"] === "done");
  const errors = (record["attempts"] as { error: string | null }[]).map(({ error }) => error);
  assert.ok(errors.length > 1);
  assert.deepEqual([errors[0], errors.at(-1)], ["connect_refused", null]);
});

Deno.test("with failOpen: allDown targets that all fail their checks are tried all the same", async () => {
  await using target = new Target(echo);
  await using lb = await RunningLb.start(yaml({
    targets: [target.address],
    pool: "health: { check: http, interval: 1h, downInterval: 1h }, failOpen: allDown",
  }));
  using client = await Client.open(lb.port());
  await client.say("served");
});
