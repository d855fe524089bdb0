/** Row 13 of the acceptance table: a target refuses. */
import assert from "node:assert/strict";
import { assertRefused, exchange } from "../support/client.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { addedP99Ms } from "./program.ts";
import { times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const clients = times({ short: 300, long: 10_000 });

Deno.test("where a target refuses, every client is served by another and the record lists both attempts", async () => {
  using closed = new ReservedPort();
  await using target = new Target(echo);
  await using lb = await RunningLb.start(
    yaml({
      targets: [closed.address, target.address],
      pool: "health: none, ejection: none",
      top: "log: { access: all }",
    }),
  );

  for (let client = 0; client < clients; client++) {
    assert.equal(await exchange(lb.port(), `client ${client}`), `client ${client}`);
  }

  const records = await lb.until(() => lb.records.length === clients ? lb.records : undefined);
  assert.deepEqual(new Set(records.map(({ reason }) => reason)), new Set(["done"]));
  assert.deepEqual(new Set(records.map(({ target }) => target)), new Set([target.address]));
  const detours = records.map(({ attempts }) => outcomes(attempts)).filter((attempts) => attempts.length > 1);
  // Round robin sends every other client to the one that refuses.
  assert.equal(detours.length, clients / 2);
  figure("added by a refused attempt, p99", { row: 13, is: addedP99Ms(records), most: 5, unit: "ms" });
  for (const attempts of detours) {
    assert.deepEqual(attempts, [[closed.address, "connect_refused"], [target.address, null]]);
  }
});

Deno.test("a retry is logged at debug level", async () => {
  using closed = new ReservedPort();
  await using target = new Target(echo);
  const targets = [`{ address: "${closed.address}", tier: 0 }`, `{ address: "${target.address}", tier: 1 }`];
  await using lb = await RunningLb.start(yaml({ targets, top: "log: { level: debug }" }));

  assert.equal(await exchange(lb.port(), "hello"), "hello");

  const line = await lb.line((line) => line.level === "debug" && line["target"] === closed.address);
  assert.equal(line["pool"], "app");
  assert.equal(line["error"], "connect_refused");
  assert.match(String(line.message), /connect_refused/);
});

Deno.test("where every target refuses, each is tried once, at most retry.attempts of them, and the client is let go", async () => {
  using one = new ReservedPort();
  using two = new ReservedPort();
  using three = new ReservedPort();
  const targets = [one, two, three].map(({ address }) => address);
  await using lb = await RunningLb.start(yaml({ targets, pool: "health: none, retry: { attempts: 2 }" }));

  await assertRefused(lb.port());

  const record = await lb.line(({ reason }) => reason === "connect_refused");
  const tried = outcomes(record["attempts"]);
  assert.deepEqual(tried.map(([, error]) => error), ["connect_refused", "connect_refused"]);
  assert.equal(new Set(tried.map(([target]) => target)).size, 2);
  assert.equal(record["target"], null);
});

function outcomes(attempts: unknown): [unknown, unknown][] {
  return (attempts as { target: string; error: string | null }[]).map(({ target, error }) => [target, error]);
}
