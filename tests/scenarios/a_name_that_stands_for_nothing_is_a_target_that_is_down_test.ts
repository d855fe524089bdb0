/** A target's name that nobody knows yet. */
import assert from "node:assert/strict";
import { assertRefused, received } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { RunningLb } from "../support/lb.ts";
import { loopbackAddress, NameWorld, noNameWorlds } from "../support/name_world.ts";
import { testWith } from "../support/needs.ts";
import { rcodes, StubDns } from "../support/stub_dns.ts";
import { named, Target } from "../support/target.ts";

for (const health of [{ check: "tcp", interval: "100ms", downInterval: "100ms" }, "none"] as const) {
  const checked = health === "none" ? "without a check" : "with a check";
  testWith(
    { obstacle: noNameWorlds },
    `a name that stands for nothing is a target that is down, ${checked}: lb starts, says why, and serves once the name is known`,
    async () => {
      await using target = new Target(named("app"));
      const address = `later.test:${target.address.split(":")[1]}`;
      await using stub = new StubDns(() => ({ rcode: rcodes.noSuchName }), {
        hostname: loopbackAddress(),
        port: 53,
      });
      using world = new NameWorld({
        hosts: "127.0.0.1 localhost\n",
        resolvConf: `nameserver ${stub.hostname}\n`,
      });
      await using lb = await RunningLb.start(
        JSON.stringify({
          process: { workers: 2, maxConnections: 1_000 },
          admin: "none",
          log: { access: "all" },
          listeners: { web: { bind: "127.0.0.1:0", pool: "app" } },
          pools: { app: { targets: [address], resolve: { interval: "1s" }, health } },
        }),
        { prefix: world.inside },
      );

      await lb.line(({ message }) =>
        message === "later.test cannot be looked up: host not found; nothing is known of it"
      );
      await lb.line(({ message }) =>
        message === `target app/${address} is down, was checking: host not found`
      );
      const pool = lb.lines.find((line) => line["pool"] === "app" && "algorithm" in line);
      assert.deepEqual(pool?.["targets"], [{ address, state: "down", resolved: [] }]);
      await assertRefused(lb.port());
      const [record] = await lb.until(() => lb.records.length > 0 ? lb.records : undefined);
      assert.deepEqual([record?.["reason"], record?.["attempts"]], ["no_target", []]);

      world.writeHosts(`127.0.0.1 localhost later.test\n`);
      await lb.line(({ message }) => message === "later.test stands for 127.0.0.1");
      await eventually("the target serves", async () => await received(lb.port()).catch(() => "") === "app");
      if (health !== "none") {
        await lb.line(({ message }) => message?.startsWith(`target app/${address} is up, was down`) ?? false);
      }

      // It is gone from the hosts file, and nobody else knows it: what it stood for is kept.
      world.writeHosts("127.0.0.1 localhost\n");
      await lb.line(({ message }) =>
        message === "later.test cannot be looked up: host not found; it still stands for 127.0.0.1"
      );
      assert.equal(await received(lb.port()), "app");
    },
  );
}
