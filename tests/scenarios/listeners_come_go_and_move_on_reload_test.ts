/** What a reload does with listeners that are new, gone, or elsewhere. */
import assert from "node:assert/strict";
import { Client, exchange } from "../support/client.ts";
import { ClientStream } from "../support/client_stream.ts";
import { eventually } from "../support/eventually.ts";
import { listeningInodes } from "../support/kernel_sockets.ts";
import { type LogLine, RunningLb } from "../support/lb.ts";
import { quietPort, ReservedPort } from "../support/reserved_port.ts";
import { echo, named, Target } from "../support/target.ts";
import { assertReloaded, becomesClosed, type Fronts, fronts } from "./fronts.ts";

const workers = 2;

Deno.test("a listener that is new in the file serves after HUP, and the log says what has changed", async () => {
  using port = new ReservedPort();
  await using target = new Target(named("app"));
  const pools = { app: [target] };
  await using lb = await RunningLb.start(fronts({ listeners: { web: ["127.0.0.1:0", "app"] }, pools }));

  const line = await lb.reload(
    fronts({ listeners: { web: ["127.0.0.1:0", "app"], more: [port.address, "app"] }, pools }),
  );

  assertReloaded(line, "generation 2", "listener more is new", `${port.address} is bound`);
  assert.equal(await exchange(port.port, "-", port.hostname), "app");
  assert.equal(await exchange(lb.port(), "-"), "app");
  assert.equal(
    listeningInodes(port.port).length,
    workers + 1,
    "a socket for each thread, and the one that holds the port",
  );
  const record = await lb.line((line) => line["listener"] === "more" && "reason" in line);
  assert.equal(record["generation"], 2);
});

Deno.test("--watch brings a new listener and takes it away without a signal", async () => {
  using port = new ReservedPort();
  await using target = new Target(named("app"));
  const pools = { app: [target] };
  const one = fronts({ listeners: { web: ["127.0.0.1:0", "app"] }, pools });
  await using lb = await RunningLb.start(one, { args: ["--watch"] });

  await lb.writeConfig(
    fronts({ listeners: { web: ["127.0.0.1:0", "app"], more: [port.address, "app"] }, pools }),
  );
  await lb.line(isGeneration(2));
  assert.equal(await exchange(port.port, "-", port.hostname), "app");

  await lb.writeConfig(one);
  assertReloaded(await lb.line(isGeneration(3)), "listener more is gone", `${port.address} is closed`);
  await becomesClosed(port.port, port.hostname);
  assert.equal(await exchange(lb.port(), "-"), "app");
});

Deno.test("a listener that goes refuses new clients, and its open sessions live on until they end", async () => {
  using port = new ReservedPort();
  await using target = new Target(echo);
  const pools = { app: [target] };
  const web = ["127.0.0.1:0", "app"] as const;
  await using lb = await RunningLb.start(fronts({ listeners: { web, old: [port.address, "app"] }, pools }));
  const clients = await Promise.all(
    Array.from({ length: 8 }, () => Client.served(port.port, port.hostname)),
  );

  assertReloaded(await lb.reload(fronts({ listeners: { web }, pools })), "listener old is gone");
  await becomesClosed(port.port, port.hostname);
  // Two more reloads: the sessions outlive what retires with the first.
  for (const generation of [3, 4]) {
    assertReloaded(await lb.reload(), `generation ${generation}`, "nothing has changed");
  }

  for (const client of clients) {
    await client.say("after the listener is gone");
    await client.finish();
    assert.equal(await client.rest(), "");
    client[Symbol.dispose]();
  }
  const records = await eventually("8 close records", () => {
    const old = lb.records.filter(({ target, listener }) => listener === "old" && target !== null);
    return old.filter(({ bytes }) => (bytes as { sent: number }).sent > 0).length >= 8 && old;
  });
  assert.ok(records.every(({ reason, generation }) => reason === "done" && generation === 1));
});

Deno.test("clients who wait in the accept queue of a listener when it goes are served, every one", async () => {
  using port = new ReservedPort();
  await using target = new Target(named("app"));
  const pools = { app: [target] };
  const web = ["127.0.0.1:0", "app"] as const;
  await using lb = await RunningLb.start(fronts({ listeners: { web, old: [port.address, "app"] }, pools }));

  // While it stands still the kernel accepts for it.
  lb.kill("SIGSTOP");
  const clients = await Promise.all(Array.from({ length: 100 }, () => Client.open(port.port, port.hostname)));
  await lb.writeConfig(fronts({ listeners: { web }, pools }));
  lb.kill("SIGHUP");
  lb.kill("SIGCONT");

  assertReloaded(await lb.line(isGeneration(2)), "listener old is gone");
  for (const client of clients) {
    assert.equal(await client.rest(), "app");
    client[Symbol.dispose]();
  }
  await becomesClosed(port.port, port.hostname);
});

Deno.test("clients who come while their listener goes are served or refused, none is left without an answer", async () => {
  using port = new ReservedPort();
  await using target = new Target(named("app"));
  const pools = { app: [target] };
  const web = ["127.0.0.1:0", "app"] as const;
  const both = fronts({ listeners: { web, old: [port.address, "app"] }, pools });
  await using lb = await RunningLb.start(both);
  const { hostname } = port;
  await using stream = new ClientStream({ port: port.port, hostname, lanes: 16 });

  for (let round = 0; round < 5; round++) {
    const served = stream.count("app");
    await eventually("the listener serves", () => stream.count("app") > served);
    await lb.reload(fronts({ listeners: { web }, pools }));
    const refused = stream.count("refused");
    await eventually("the listener is gone", () => stream.count("refused") > refused);
    await lb.reload(both);
  }

  const { app, refused, reset = 0, ...others } = await stream.stop();
  assert.deepEqual(others, {});
  assert.ok(app! > 0 && refused! > 0);
  // Between the last look at the queue and the end of the socket there is a moment in which a client is reset.
  assert.ok(reset <= 16 * 5 * workers, `${reset} clients were reset`);
  assert.ok(lb.records.every(({ reason }) => reason === "done"));
});

Deno.test("an address passes from one listener to another under load, and nobody is refused", async () => {
  using port = new ReservedPort();
  using other = new ReservedPort();
  await using one = new Target(named("one"));
  await using two = new Target(named("two"));
  const pools = { one: [one], two: [two] };
  const config = (listeners: Fronts["listeners"]) => fronts({ listeners, pools });
  const straight = config({ a: [port.address, "one"], b: [other.address, "two"] });
  const crossed = config({ a: [other.address, "one"], b: [port.address, "two"] });
  await using lb = await RunningLb.start(straight);
  const inodes = listeningInodes(port.port);
  const { hostname } = port;
  await using stream = new ClientStream({ port: port.port, hostname });

  for (const [next, served] of [[crossed, "two"], [straight, "one"], [crossed, "two"]] as const) {
    const before = stream.count(served);
    assertReloaded(await lb.reload(next), "listener a has changed, listener b has changed");
    await eventually(`pool ${served} serves`, () => stream.count(served) > before + 20);
  }
  // The listener that had it goes, and the one that gets it is new.
  assertReloaded(
    await lb.reload(config({ c: [port.address, "one"] })),
    "listener c is new",
    "listener a is gone",
  );
  const before = stream.count("one");
  await eventually("pool one serves", () => stream.count("one") > before + 20);

  const { one: ones, two: twos, ...others } = await stream.stop();
  assert.deepEqual(others, {});
  assert.ok(ones! > 0 && twos! > 0);
  assert.deepEqual(listeningInodes(port.port), inodes);
  await eventually("a record of listener c", () => lb.records.some(({ listener }) => listener === "c"));
});

Deno.test("a listener moves to another port: the new one serves, the old one refuses", async () => {
  using from = new ReservedPort();
  using to = new ReservedPort();
  await using target = new Target(named("app"));
  const pools = { app: [target] };
  await using lb = await RunningLb.start(fronts({ listeners: { web: [from.address, "app"] }, pools }));

  const line = await lb.reload(fronts({ listeners: { web: [to.address, "app"] }, pools }));

  assertReloaded(line, "listener web has changed", `${to.address} is bound`, `${from.address} is closed`);
  assert.equal(await exchange(to.port, "-", to.hostname), "app");
  await becomesClosed(from.port, from.hostname);
});

Deno.test("a listener goes from 127.0.0.1 to every address on the same port and back, with clients all the while", async () => {
  const port = quietPort();
  await using target = new Target(named("app"));
  const config = (host: string) =>
    fronts({ listeners: { web: [`${host}:${port}`, "app"] }, pools: { app: [target] } });
  await using lb = await RunningLb.start(config("127.0.0.1"));
  await using stream = new ClientStream({ port });

  for (let round = 0; round < 3; round++) {
    assertReloaded(
      await lb.reload(config("0.0.0.0")),
      `0.0.0.0:${port} is bound`,
      `127.0.0.1:${port} is closed`,
    );
    assert.equal(await exchange(port, "-", "127.0.0.9"), "app");
    assertReloaded(
      await lb.reload(config("127.0.0.1")),
      `127.0.0.1:${port} is bound`,
      `0.0.0.0:${port} is closed`,
    );
    await becomesClosed(port, "127.0.0.9");
    const served = stream.count("app");
    await eventually("clients are served", () => stream.count("app") > served + 20);
  }

  const { app, reset = 0, ...others } = await stream.stop();
  assert.deepEqual(others, {}, "never is nobody there");
  assert.ok(app! > 0);
  assert.ok(reset <= 4 * 6, `${reset} clients were reset, with ${app} served`);
});

Deno.test("workers, engine and what else waits for a restart are named, and all else of the file counts", async () => {
  using port = new ReservedPort();
  await using target = new Target(named("app"));
  const pools = { app: [target] };
  const web = ["127.0.0.1:0", "app"] as const;
  await using lb = await RunningLb.start(fronts({ listeners: { web }, pools, process: { engine: "auto" } }));

  const line = await lb.reload(fronts({
    listeners: { web, more: [port.address, "app"] },
    pools,
    process: { engine: "portable", workers: 1 },
  }));

  assertReloaded(line, "listener more is new");
  const warnings = lb.lines.filter(({ level }) => level === "warn").map(({ message }) => message);
  assert.deepEqual(
    warnings,
    ["process.engine", "process.workers"].map((key) => `${key} changed: takes effect at the next restart`),
  );
  assert.equal(await exchange(port.port, "-", port.hostname), "app");
  assert.equal(listeningInodes(port.port).length, workers + 1);
});

function isGeneration(generation: number): (line: LogLine) => boolean {
  return (line) => line["generation"] === generation && "message" in line;
}
