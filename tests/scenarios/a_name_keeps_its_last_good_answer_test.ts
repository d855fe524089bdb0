/** Row 53 of the acceptance table: a target's name is unknown, slow, empty, or stands for something else. */
import assert from "node:assert/strict";
import { received } from "../support/client.ts";
import { ClientStream } from "../support/client_stream.ts";
import { eventually } from "../support/eventually.ts";
import { RunningLb } from "../support/lb.ts";
import { loopbackAddress, NameWorld, noNameWorlds } from "../support/name_world.ts";
import { testWith } from "../support/needs.ts";
import { rcodes, type Script, StubDns, withAddresses } from "../support/stub_dns.ts";
import { named, Target } from "../support/target.ts";
import { assertReloaded } from "./fronts.ts";

const name = "app.stub.test";

const failures: readonly { readonly what: string; readonly script: Script; readonly says: string }[] = [
  { what: "unknown", script: () => ({ rcode: rcodes.noSuchName }), says: "host not found" },
  { what: "empty", script: () => ({ records: [] }), says: "no address" },
  { what: "refused", script: () => ({ rcode: rcodes.refused }), says: "the name server refuses" },
  {
    what: "a failure of the server",
    script: () => ({ rcode: rcodes.serverFailure }),
    says: "the name server fails",
  },
  { what: "nonsense", script: () => Uint8Array.of(1, 2, 3), says: "no name server answers" },
  { what: "silence", script: () => "silent", says: "no name server answers" },
];

testWith(
  { obstacle: noNameWorlds },
  "a target's name that is unknown, empty, refused, slow or silent keeps its last good answer, and a new answer counts",
  async () => {
    const [first, second] = [loopbackAddress(), loopbackAddress()];
    await using one = new Target(named("one"), { hostname: first });
    const port = Number(one.address.split(":")[1]);
    await using _two = new Target(named("two"), { hostname: second, port });
    const good = withAddresses(first);
    await using stub = new StubDns(good, { hostname: loopbackAddress(), port: 53 });
    using world = new NameWorld({
      hosts: "127.0.0.1 localhost\n",
      resolvConf: `nameserver ${stub.hostname}\noptions timeout:1 attempts:1\n`,
    });
    const config = (algorithm: string) =>
      JSON.stringify({
        process: { workers: 2, maxConnections: 1_000 },
        admin: "none",
        listeners: { web: { bind: "127.0.0.1:0", pool: "app" } },
        pools: {
          app: {
            algorithm,
            targets: [`${name}:${port}`],
            resolve: { interval: "1s" },
            health: { check: "tcp", interval: "200ms" },
          },
        },
      });
    await using lb = await RunningLb.start(config("roundRobin"), { prefix: world.inside });
    assert.ok(lb.lines.some(({ message }) => message === `${name} stands for ${first}`));
    await using stream = new ClientStream({ port: lb.port() });

    for (const { what, script, says } of failures) {
      const before = lb.lines.length;
      stub.script = script;
      const since = (words: string) => lb.lines.slice(before).find(({ message }) => message?.includes(words));
      const line = await lb.until(() => since(`${name} cannot be looked up: ${says}`));
      assert.equal(line.level, "warn", what);
      assert.match(String(line.message), new RegExp(`it still stands for ${first}$`));
      // A reload meanwhile waits for nothing.
      assertReloaded(await lb.reload(config("roundRobin")), "nothing has changed");
      assert.equal(await received(lb.port()), "one", what);
      stub.script = good;
      await lb.until(() => since(`${name} stands for ${first}`));
    }

    // Slow: the answer comes after the question has been given up; then one that comes in time.
    const release = Promise.withResolvers<void>();
    stub.script = async (asked) => {
      await release.promise;
      return await withAddresses(second)(asked) as Exclude<Awaited<ReturnType<Script>>, readonly unknown[]>;
    };
    const asked = stub.asked.length;
    await eventually("a lookup that waits", () => stub.asked.length > asked);
    assertReloaded(await lb.reload(config("leastConnections")), "pool app has changed");
    assert.equal(await received(lb.port()), "one");
    release.resolve();

    await lb.line(({ message }) => message === `${name} stands for ${second}`);
    await eventually("the new address serves", () => stream.count("two") > 0);
    const { one: ones, two: twos, ...others } = await stream.stop();
    assert.deepEqual(others, {}, "no client notices");
    assert.ok(ones! > 0 && twos! > 0);
    assert.equal(lb.lines.filter(({ state }) => state === "down").length, 0, "the target is never down");
    lb.kill("SIGTERM");
    assert.equal(await lb.ended(), 0);
  },
);
