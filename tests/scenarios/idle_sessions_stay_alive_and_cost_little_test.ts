/** Row 3 of the acceptance table. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { engine } from "../support/engine.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { many } from "../support/peers.ts";
import { failuresOf, p99MsOf, type Probe, ProbeLoad } from "../support/probe.ts";
import { soak, times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const sessions = { count: times({ short: 300, long: 8_000 }), width: 50 };
const probes = times({ short: 100, long: 2_000 });
const idleMs = 10 * 60 * 1_000;

/** What the sessions together may take: a part that does not depend on how many they are, and so much for each. */
const mostGrowth = 60_000_000 + sessions.count * (engine === "linux" ? 8_000 : 40_000);

Deno.test({
  name: "idle sessions stay alive, cost little memory, and new clients are served beside them",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using target = new Target(echo);
    await using lb = await RunningLb.start(
      yaml({ targets: [target.address], process: "workers: 2, maxConnections: 9000" }),
    );
    const before = await probed(lb, () => false);
    const resident = lb.residentBytes();
    using opened = new DisposableStack();
    const idle: Client[] = [];
    await many(sessions, async () => {
      idle.push(opened.use(await Client.served(lb.port())));
    });

    const until = performance.now() + idleMs;
    const beside = await probed(lb, () => soak && performance.now() < until);

    if (soak) await quiet(lb);
    const growth = lb.residentBytes() - resident;
    assert.ok(growth <= mostGrowth, `${sessions.count} idle sessions took ${growth} bytes`);
    figure("memory for the idle sessions", { row: 3, is: growth / 1e6, most: mostGrowth / 1e6, unit: "MB" });
    figure("p99 of the probe", { row: 3, is: p99MsOf(beside), most: 2 * p99MsOf(before), unit: "ms" });
    await many(sessions, (index) => idle[index]!.say("still here"));
    assert.deepEqual(lb.records, []);
  },
});

/** Probes, so many at least, and as long as `goesOn`; fails unless each is served. */
async function probed(lb: RunningLb, goesOn: () => boolean): Promise<readonly Probe[]> {
  await using load = new ProbeLoad({ port: lb.port() });
  do await load.more(probes); while (goesOn());
  const all = await load.stop();
  assert.deepEqual(failuresOf(all), {});
  return all;
}

/** A minute in which nothing happens at all: what the probes have left behind is garbage that is collected meanwhile. */
async function quiet(lb: RunningLb): Promise<void> {
  const [cpu, startedAt] = [lb.cpuSeconds(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 60_000));
  const share = (lb.cpuSeconds() - cpu) * 1_000 / (performance.now() - startedAt);
  figure("CPU for idle sessions", { row: 3, is: 100 * share, most: 5, unit: "%" });
}
