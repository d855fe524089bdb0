/** Row 15 of the acceptance table: a target that ICMP, or nobody, answers for. */
import assert from "node:assert/strict";
import { assertRefused, exchange } from "../support/client.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";
import { FarHost, networkNeeds } from "../support/network.ts";
import { addedP99Ms } from "./program.ts";
import { times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const clients = times({ short: 200, long: 10_000 });
const unreachable = 81;
const dropped = 82;
const needs = networkNeeds();

testWith(needs, "where a target is unreachable, every client is served by another", async () => {
  using far = new FarHost({ unreachable, dropped });
  await using target = new Target(echo);
  const gone = `${far.address}:${unreachable}`;
  await using lb = await RunningLb.start(
    yaml({
      targets: [gone, target.address],
      pool: "health: none, ejection: none",
      top: "log: { access: all }",
    }),
  );

  for (let client = 0; client < clients; client++) {
    assert.equal(await exchange(lb.port(), `client ${client}`), `client ${client}`);
  }

  const records = await lb.until(() => lb.records.length === clients ? lb.records : undefined);
  const failed = records.flatMap(({ attempts }) =>
    (attempts as { target: string; error: string | null }[]).filter(({ error }) => error !== null)
  );
  assert.equal(failed.length, clients / 2);
  figure("added by an unreachable attempt, p99", { row: 15, is: addedP99Ms(records), most: 5, unit: "ms" });
  assert.deepEqual(
    new Set(failed.map(({ target, error }) => `${target} ${error}`)),
    new Set([`${gone} connect_unreachable`]),
  );
});

testWith(
  needs,
  "a lone unreachable target ends the session with connect_unreachable, and a silent one with connect_timeout",
  async () => {
    using far = new FarHost({ unreachable, dropped });
    for (
      const [port, reason] of [[unreachable, "connect_unreachable"], [dropped, "connect_timeout"]] as const
    ) {
      const listener = "timeouts: { connect: 200ms }";
      await using lb = await RunningLb.start(yaml({ targets: [`${far.address}:${port}`], listener }));
      await assertRefused(lb.port());
      const record = await lb.line((line) => "attempts" in line);
      assert.equal(record["reason"], reason);
    }
  },
);

testWith(
  needs,
  "a health check says that a target is unreachable, or that it did not answer in time",
  async () => {
    using far = new FarHost({ unreachable, dropped });
    const targets = [unreachable, dropped].map((port) => `${far.address}:${port}`);
    await using lb = await RunningLb.start(yaml({ targets, pool: "health: { check: tcp, timeout: 300ms }" }));
    const [gone, silent] = await Promise.all(
      targets.map((address) => lb.line(({ target, state }) => target === address && state === "down")),
    );
    assert.equal(gone?.["detail"], "unreachable");
    assert.match(String(silent?.["detail"]), /300ms/);
  },
);
