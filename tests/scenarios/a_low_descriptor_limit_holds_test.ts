/** Row 28 of the acceptance table: far more clients than descriptors. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { soak, times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const clients = times({ short: 400, long: 1_000 });
const refusedPerSecond = 50;

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

    let sessions = 0;
    for (let round = 0; round < 2; round++) {
      sessions += clients;
      const crowd = await Promise.all(Array.from({ length: clients }, () => Client.servedIfAny(lb.port())));
      const served = crowd.filter((client) => client !== undefined);
      assert.equal(served.length, cap);
      for (const client of served) await client.say("still here");
      if (soak) sessions += await measureHeld(lb);
      const freedAt = performance.now();
      for (const client of served) client[Symbol.dispose]();
      const next = await eventually("a freed place", () => {
        sessions++;
        return Client.servedIfAny(lb.port());
      });
      figure("recovery", { row: 28, is: performance.now() - freedAt, most: 200, unit: "ms" });
      next[Symbol.dispose]();
      await eventually("every place given back", () => target.open === 0);
    }

    const records = await lb.until(() => lb.records.length >= sessions ? lb.records : undefined);
    assert.equal(records.length, sessions);
    const byReason = Map.groupBy(records, ({ reason }) => reason);
    assert.equal(byReason.get("done")?.length, 2 * (cap + 1));
    assert.equal(byReason.get("limit_process")?.length, sessions - 2 * (cap + 1));
    assert.equal(target.mostOpen, cap);
  },
});

/** Ten seconds in which every place is taken and clients come on, each of which is refused; gives how many. */
async function measureHeld(lb: RunningLb): Promise<number> {
  const [cpu, startedAt, lastsMs] = [lb.cpuSeconds(), performance.now(), 10_000];
  let refused = 0;
  while (performance.now() - startedAt < lastsMs) {
    refused++;
    assert.equal(await Client.servedIfAny(lb.port()), undefined);
    await new Promise((resolve) => setTimeout(resolve, 1_000 / refusedPerSecond));
  }
  const share = (lb.cpuSeconds() - cpu) / (performance.now() - startedAt) * 1_000;
  figure("CPU while full", { row: 28, is: 100 * share, most: 10, unit: "%" });
  return refused;
}
