/** A name server that takes every question and answers none: what needs it not is not to notice. */
import assert from "node:assert/strict";
import { exchange } from "../support/client.ts";
import { ClientStream } from "../support/client_stream.ts";
import { RunningLb } from "../support/lb.ts";
import { loopbackAddress, NameWorld, noNameWorlds } from "../support/name_world.ts";
import { testWith } from "../support/needs.ts";
import { StubDns } from "../support/stub_dns.ts";
import { echo, named, Target } from "../support/target.ts";
import { assertReloaded, assertReloadRefused } from "./fronts.ts";

const silent = ["a.silent.test", "b.silent.test"];

testWith(
  { obstacle: noNameWorlds },
  "while no name server answers lb starts, targets by hosts file and address serve, reloads are done, and each name is asked for once",
  async () => {
    await using literal = new Target(named("literal"));
    await using hosts = new Target(named("hosts"));
    await using echoing = new Target(echo);
    await using stub = new StubDns(() => "silent", { hostname: loopbackAddress(), port: 53 });
    using world = new NameWorld({
      hosts: "127.0.0.1 localhost known.test\n",
      // One question takes longer than all of this test may: whatever waited for an answer would fail it.
      resolvConf: `nameserver ${stub.hostname}\noptions timeout:30 attempts:5\n`,
    });
    const config = (more: { readonly [name: string]: unknown } = {}, listeners = {}) =>
      JSON.stringify({
        process: { workers: 2, maxConnections: 1_000 },
        admin: "none",
        log: { access: "all" },
        listeners: {
          web: { bind: "127.0.0.1:0", pool: "app" },
          named: { bind: "127.0.0.1:0", pool: "named" },
          silent: { bind: "127.0.0.1:0", pool: "silent" },
          ...listeners,
        },
        pools: {
          app: { targets: [literal.address], health: { check: "tcp", interval: "100ms" } },
          named: {
            targets: [`known.test:${hosts.address.split(":")[1]}`],
            health: { check: "tcp", interval: "100ms" },
          },
          silent: {
            targets: silent.map((name) => `${name}:5432`),
            health: { check: "tcp", interval: "100ms" },
          },
          ...more,
        },
      });
    await using lb = await RunningLb.start(config(), { prefix: world.inside });
    for (const name of silent) {
      assert.equal(stub.count(name, "A"), 1, "it has started before the first question was over");
    }
    await using app = new ClientStream({ port: lb.port("web") });
    await using known = new ClientStream({ port: lb.port("named") });
    await using refused = new ClientStream({ port: lb.port("silent"), lanes: 1 });

    const mixed = { targets: [echoing.address, "c.silent.test:1"], health: { check: "tcp", initial: "up" } };
    assertReloaded(
      await lb.reload(config({ mixed }, { mixed: { bind: "127.0.0.1:0", pool: "mixed" } })),
      "listener mixed is new",
    );
    assertReloaded(await lb.reload(config()), "listener mixed is gone");
    assertReloadRefused(await lb.reload("listeners: ["));
    assertReloaded(await lb.reload(config()), "nothing has changed");
    assert.equal(await exchange(lb.port("web"), "-"), "literal");
    await lb.until(() => lb.records.length > 50 || undefined);

    assert.deepEqual(Object.keys(await app.stop()), ["literal"]);
    assert.deepEqual(Object.keys(await known.stop()), ["hosts"]);
    // Portable cannot reset.
    const outcomes = Object.keys(await refused.stop());
    assert.ok(outcomes.every((outcome) => outcome === "reset" || outcome === "ended"), outcomes.join(", "));
    for (const name of silent) {
      for (const type of ["A", "AAAA"]) assert.equal(stub.count(name, type), 1, `${type} of ${name}`);
    }
    const down = lb.lines.filter(({ state, target }) =>
      state === "down" && !String(target).includes("silent.test")
    );
    assert.deepEqual(down, []);
    lb.kill("SIGTERM");
    assert.equal(await lb.ended(), 0);
  },
);
