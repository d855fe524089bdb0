/** Row 14 of the acceptance table: a target whose host answers nothing at all. */
import assert from "node:assert/strict";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";
import { FarHost, networkNeeds } from "../support/network.ts";
import { failuresOf, p99MsOf, ProbeLoad } from "../support/probe.ts";
import { times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const probes = times({ short: 100, long: 6_000 });
const connectMs = 500;
const dropped = 82;

testWith(
  networkNeeds(),
  "where a target swallows every packet, a client waits for the connect timeout at most, and is served by another",
  async () => {
    using far = new FarHost({ unreachable: 81, dropped });
    await using target = new Target(echo);
    const hole = `${far.address}:${dropped}`;
    await using lb = await RunningLb.start(yaml({
      targets: [hole, target.address],
      listener: `timeouts: { connect: ${connectMs}ms }`,
      top: "log: { access: all }",
    }));
    await using load = new ProbeLoad({ port: lb.port() });

    await load.more(probes);
    const all = await load.stop();

    assert.deepEqual(failuresOf(all), {});
    const records = await lb.until(() => lb.records.length >= all.length ? lb.records : undefined);
    const attempts = records.map(({ attempts }) =>
      attempts as { target: string; error: string | null; ms: number }[]
    );
    const waited = attempts.filter((tried) => tried.length > 1);
    assert.ok(waited.length > 0, "round robin sends the first clients to both");
    for (const [first] of waited) {
      assert.deepEqual([first?.target, first?.error], [hole, "connect_timeout"]);
    }
    const slowest = Math.max(...waited.map(([first]) => first?.ms ?? NaN));
    figure("slowest attempt", { row: 14, is: slowest, most: connectMs + 50, unit: "ms" });
    // The slowest one has waited for this very process too, which is the target of all of them.
    figure("p99 of the probe", { row: 14, is: p99MsOf(all), most: connectMs + 50, unit: "ms" });
    figure("failed probes", { row: 14, is: Object.keys(failuresOf(all)).length, most: 0, unit: "" });
  },
);
