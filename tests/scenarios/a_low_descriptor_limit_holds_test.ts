/** Row 28 of the acceptance table: far more clients than descriptors. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { RunningLb } from "../support/lb.ts";
import { times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const clients = times({ short: 400, long: 1_000 });

Deno.test({
  name:
    "with 256 descriptors the cap that lb works out holds, the excess is refused, and freed places are taken again",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using target = new Target(echo);
    await using lb = await RunningLb.start(
      yaml({ targets: [target.address], process: "workers: 2", top: "log: { access: all }" }),
      { prefix: ["prlimit", "--nofile=256:256"] },
    );
    const started = lb.lines.find(({ maxConnections }) => maxConnections !== undefined);
    const cap = Number(started?.["maxConnections"]);
    assert.ok(cap > 0 && cap < 128, `cap ${cap}`);
    assert.match(String(started?.message), /asked 20000, the descriptor limit allows no more/);

    for (let round = 0; round < 2; round++) {
      const crowd = await Promise.all(Array.from({ length: clients }, () => Client.servedIfAny(lb.port())));
      const served = crowd.filter((client) => client !== undefined);
      assert.equal(served.length, cap);
      for (const client of served) {
        await client.say("still here");
        client[Symbol.dispose]();
      }
      await eventually("every place given back", () => target.open === 0);
    }

    const records = await lb.until(() => lb.records.length >= 2 * clients ? lb.records : undefined);
    assert.equal(records.length, 2 * clients);
    const byReason = Map.groupBy(records, ({ reason }) => reason);
    assert.equal(byReason.get("limit_process")?.length, 2 * (clients - cap));
    assert.equal(byReason.get("done")?.length, 2 * cap);
    assert.equal(target.mostOpen, cap);
  },
});
