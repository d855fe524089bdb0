/** TERM, TERM again, INT: how `lb run` ends. */
import assert from "node:assert/strict";
import { Client, exchange } from "../support/client.ts";
import { eventually, within } from "../support/eventually.ts";
import { RunningLb } from "../support/lb.ts";
import { echo, silence, Target, writeAll } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const drained = (deadline: string) =>
  `workers: 2, maxConnections: 2000, drain: { deadline: ${deadline}, closeSpread: 100ms }`;

Deno.test("TERM refuses new connections, lets an open session finish whole, and then lb exits 0", async () => {
  const size = 8 * 1024 * 1024;
  const release = Promise.withResolvers<void>();
  await using target = new Target(async (conn) => {
    await writeAll(conn, new TextEncoder().encode("begun "));
    await release.promise;
    await writeAll(conn, new Uint8Array(size).fill(120));
    await conn.closeWrite();
    await silence(conn);
  });
  await using lb = await RunningLb.start(
    yaml({ targets: [target.address], process: drained("none"), top: "log: { access: all }" }),
  );
  using client = await Client.open(lb.port());
  await within("the first bytes", client.conn.read(new Uint8Array(6)));

  lb.kill("SIGTERM");
  await lb.line(({ message }) => message?.startsWith("draining: no new sessions, 1 open") ?? false);
  await eventually("new connections are refused", () => isRefused(lb.port()));
  release.resolve();

  assert.equal((await client.rest()).length, size);
  await client.finish();
  assert.equal(await lb.ended(), 0);
  // Whoever asked whether new connections are refused may have been let in just before.
  const whole = lb.records.filter(({ bytes }) => (bytes as { sent: number }).sent === size + "begun ".length);
  assert.deepEqual(whole.map(({ reason }) => reason), ["done"]);
  const [drainedLine, stopped] = lb.lines.slice(-2);
  assert.match(
    String(drainedLine?.message),
    /^drained: [1-9]\d* sessions ended, 0 were cut$/,
  );
  assert.equal(stopped?.message, "stopped");
});

Deno.test("however much lb has served, TERM closes its listeners before it could serve as much again", async () => {
  const sessions = 1_000;
  await using target = new Target(echo);
  await using lb = await RunningLb.start(yaml({ targets: [target.address], pool: "health: { check: tcp }" }));
  for (let session = 0; session < sessions; session++) await exchange(lb.port(), "hello");

  lb.kill("SIGTERM");
  await lb.line(({ message }) => message?.startsWith("draining") ?? false);

  let more = 0;
  while (more < sessions && !await isRefused(lb.port())) more++;
  assert.ok(more < sessions, `${more} sessions after it had begun to drain`);
  assert.equal(await lb.ended(), 0);
});

Deno.test("at the drain deadline what is still open is cut with drain_deadline, and lb exits 0", async () => {
  await using target = new Target(echo);
  await using lb = await RunningLb.start(yaml({ targets: [target.address], process: drained("200ms") }));
  const clients = await Promise.all(Array.from({ length: 4 }, () => Client.served(lb.port())));

  lb.kill("SIGTERM");
  const rests = await Promise.all(clients.map((client) => client.untilCut()));
  for (const client of clients) client[Symbol.dispose]();

  assert.deepEqual(rests, ["", "", "", ""]);
  assert.equal(await lb.ended(), 0);
  assert.deepEqual(lb.records.map(({ reason }) => reason), Array(4).fill("drain_deadline"));
  assert.equal(lb.lines.at(-2)?.message, "drained: 0 sessions ended, 4 were cut");
});

Deno.test("a second TERM stops at once", async () => {
  await using target = new Target(echo);
  await using lb = await RunningLb.start(yaml({ targets: [target.address], process: drained("none") }));
  using client = await Client.served(lb.port());

  lb.kill("SIGTERM");
  await lb.line(({ message }) => message?.startsWith("draining") ?? false);
  await client.say("open while it drains");
  lb.kill("SIGTERM");

  assert.equal(await lb.ended(), 0);
  assert.equal(await client.untilCut(), "");
  assert.ok(lb.lines.some(({ message }) => message === "stopping at once: 1 sessions are cut"));
});

Deno.test("INT stops at once, also while lb drains", async () => {
  for (const before of [[], ["SIGTERM"]] as const) {
    await using target = new Target(echo);
    await using lb = await RunningLb.start(yaml({ targets: [target.address], process: drained("none") }));
    using client = await Client.served(lb.port());

    for (const signal of before) {
      lb.kill(signal);
      await lb.line(({ message }) => message?.startsWith("draining") ?? false);
    }
    lb.kill("SIGINT");

    assert.equal(await lb.ended(), 0);
    assert.equal(await client.untilCut(), "");
  }
});

Deno.test("lb that gets TERM or INT while it reloads exits 0 all the same", async () => {
  await using target = new Target(echo);
  for (const [stop, hangups] of [["SIGTERM", 1], ["SIGTERM", 30], ["SIGINT", 30]] as const) {
    await using lb = await RunningLb.start(yaml({ targets: [target.address] }));
    for (let sent = 0; sent < hangups; sent++) lb.kill("SIGHUP");
    lb.kill(stop);
    assert.equal(await lb.ended(), 0, lb.stderr);
  }
});

Deno.test("TERM while a reload waits for first probes gives the reload up, and then drains", async () => {
  await using target = new Target(echo);
  await using silent = new Target(silence);
  const config = (address: string) =>
    yaml({
      targets: [address],
      process: drained("none"),
      pool: "health: { check: http, timeout: 1h, interval: 1h, initial: checking }",
    });
  await using lb = await RunningLb.start(yaml({ targets: [target.address], process: drained("none") }));
  using client = await Client.served(lb.port());

  await lb.writeConfig(config(silent.address));
  lb.kill("SIGHUP");
  await eventually("the reload waits for the first probe", () => silent.accepted > 0);
  lb.kill("SIGTERM");
  await lb.line(({ message }) => message?.startsWith("draining: no new sessions, 1 open") ?? false);
  await client.say("still here");
  await client.finish();

  assert.equal(await client.rest(), "");
  assert.equal(await lb.ended(), 0);
  assert.ok(!lb.lines.some(({ message }) => message?.startsWith("reloaded")));
});

Deno.test("HUP while sessions end is refused, with a line that says why", async () => {
  await using target = new Target(echo);
  const config = yaml({ targets: [target.address], process: drained("none") });
  await using lb = await RunningLb.start(config);
  using client = await Client.served(lb.port());
  lb.kill("SIGTERM");
  await lb.line(({ message }) => message?.startsWith("draining") ?? false);
  const { level, message } = await lb.reload(config);
  assert.equal(level, "error");
  assert.equal(message, "reload refused: lb is stopping; generation 1 stays in force");
  await client.say("still here");
  await client.finish();
  assert.equal(await lb.ended(), 0);
});

async function isRefused(port: number): Promise<boolean> {
  try {
    using _client = await Client.open(port);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}
