/** A host name that stands for several addresses, of which only one has a server. */
import assert from "node:assert/strict";
import { exchange, received } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type LogLine, RunningLb } from "../support/lb.ts";
import { loopbackAddress, NameWorld, noNameWorlds } from "../support/name_world.ts";
import { testWith } from "../support/needs.ts";
import { echo, named, Target } from "../support/target.ts";

const clients = 50;

function configFor(target: string, { workers = 2, level = "info" } = {}): string {
  return JSON.stringify({
    process: { workers, maxConnections: 1_000 },
    admin: "none",
    log: { access: "all", level },
    listeners: { web: { bind: "127.0.0.1:0", pool: "app" } },
    // A client has one attempt: the addresses are tried within it.
    pools: {
      app: {
        targets: [target],
        retry: { attempts: 1 },
        health: { check: "tcp", interval: "100ms", timeout: "5s" },
      },
    },
  });
}

testWith(
  { obstacle: noNameWorlds },
  "a name whose first address refuses is up and serves every client at its second, within one attempt",
  async () => {
    const [first, second] = [loopbackAddress(), loopbackAddress()];
    await using target = new Target(echo, { hostname: second });
    const address = `pair.test:${target.address.split(":")[1]}`;
    using world = new NameWorld({ hosts: `${first} pair.test\n${second} pair.test\n`, resolvConf: "" });
    await using lb = await RunningLb.start(configFor(address), { prefix: world.inside });
    assert.deepEqual(targetsOf(lb.lines), [{ address, state: "up", resolved: [first, second] }]);

    for (let client = 0; client < clients; client++) {
      assert.equal(await exchange(lb.port(), `client ${client}`), `client ${client}`);
    }

    await lb.until(() => lb.records.length >= clients || undefined);
    for (const { reason, attempts } of lb.records) {
      assert.equal(reason, "done");
      assert.deepEqual(
        (attempts as { target: string; error: unknown }[]).map(({ target, error }) => [target, error]),
        [[address, null]],
      );
    }
    assert.ok(lb.lines.every(({ state }) => state !== "down"));
  },
);

testWith(
  { obstacle: noNameWorlds },
  "a name that stands for ::1 as well is served at 127.0.0.1",
  async () => {
    await using target = new Target(echo);
    const address = `pair.test:${target.address.split(":")[1]}`;
    using world = new NameWorld({ hosts: "::1 pair.test\n127.0.0.1 pair.test\n", resolvConf: "" });
    await using lb = await RunningLb.start(configFor(address), { prefix: world.inside });
    assert.deepEqual(targetsOf(lb.lines), [{ address, state: "up", resolved: ["::1", "127.0.0.1"] }]);
    for (let client = 0; client < clients; client++) assert.equal(await exchange(lb.port(), "-"), "-");
  },
);

testWith(
  { obstacle: noNameWorlds },
  "the address that worked last is tried first by clients and probes, and the others again once it fails",
  async () => {
    const [first, second] = [loopbackAddress(), loopbackAddress()];
    const two = new Target(named("two"), { hostname: second });
    await using _two = two;
    const port = Number(two.address.split(":")[1]);
    using world = new NameWorld({ hosts: `${first} pair.test\n${second} pair.test\n`, resolvConf: "" });
    await using lb = await RunningLb.start(configFor(`pair.test:${port}`, { workers: 1 }), {
      prefix: world.inside,
    });
    assert.equal(await received(lb.port()), "two");

    await using one = new Target(named("one"), { hostname: first, port });
    const before = two.accepted;
    for (let client = 0; client < 20; client++) assert.equal(await received(lb.port()), "two");
    await eventually("more probes", () => two.accepted > before + 20 + 5);
    assert.equal(one.accepted, 0, "nobody tries the first address while the second works");

    await two[Symbol.asyncDispose]();
    for (let client = 0; client < 20; client++) assert.equal(await received(lb.port()), "one");
    await eventually("probes find the first one", () => one.accepted > 20 + 5);
    assert.ok(lb.lines.every(({ state }) => state !== "down"));
  },
);

testWith(
  { obstacle: noNameWorlds },
  "a failed attempt of a name says in the log what each address answered",
  async () => {
    const [first, second] = [loopbackAddress(), loopbackAddress()];
    const target = new Target(echo, { hostname: second });
    const port = target.address.split(":")[1];
    using world = new NameWorld({ hosts: `${first} pair.test\n${second} pair.test\n`, resolvConf: "" });
    const config = configFor(`pair.test:${port}`, { level: "debug" }).replace(
      /"health":\{[^}]*\}/,
      '"health":"none"',
    );
    await using lb = await RunningLb.start(config, { prefix: world.inside });
    await target[Symbol.asyncDispose]();

    await received(lb.port()).catch(() => {});

    const line = await lb.line((line) => line.level === "debug" && "session" in line);
    assert.equal(line["error"], "connect_refused");
    assert.equal(
      line["detail"],
      `${first}:${port}: connection refused; ${second}:${port}: connection refused`,
    );
    assert.ok(line.message?.includes(String(line["detail"])));
    const [record] = await lb.until(() => lb.records.length > 0 ? lb.records : undefined);
    assert.equal(record?.["reason"], "connect_refused");
  },
);

function targetsOf(lines: readonly LogLine[]): unknown {
  return lines.find((line) => line["pool"] === "app" && "targets" in line)?.["targets"];
}
