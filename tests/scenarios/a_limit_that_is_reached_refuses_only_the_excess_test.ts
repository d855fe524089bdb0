/** Row 29 of the acceptance table: `maxConnections` of the process, of a listener, of a target. */
import assert from "node:assert/strict";
import { assertRefused, Client } from "../support/client.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const cap = times({ short: 50, long: 100 });

for (
  const [what, options, reason] of [
    ["process", { process: `workers: 2, maxConnections: ${cap}` }, "limit_process"],
    ["listener", { listener: `maxConnections: ${cap}` }, "limit_listener"],
  ] as const
) {
  Deno.test(`a full ${what} refuses the next client with ${reason}, and serves again once one has left`, async () => {
    await using target = new Target(echo);
    await using lb = await RunningLb.start(
      yaml({ targets: [target.address], top: "log: { access: all }", ...options }),
    );
    using clients = await crowd(lb.port(), cap);

    const startedAt = performance.now();
    await assertRefused(lb.port());
    figure(`refusal by a full ${what}`, {
      row: 29,
      is: performance.now() - startedAt,
      most: 100,
      unit: "ms",
    });

    const record = await lb.line((line) => line["reason"] === reason);
    assert.equal(record["target"], null);
    assert.deepEqual(record["attempts"], []);
    await Promise.all(clients.all.map((client) => client.say("untouched")));
    clients.all[0]?.[Symbol.dispose]();
    await lb.line(({ reason }) => reason === "done");
    using _next = await Client.served(lb.port());
    assert.equal(target.accepted, cap + 1);
  });
}

Deno.test("a target never has more sessions than its maxConnections, whichever worker they come by", async () => {
  const each = 5;
  const excess = 20;
  await using one = new Target(echo);
  await using two = new Target(echo);
  const targets = [one, two].map(({ address }) => `{ address: "${address}", maxConnections: ${each} }`);
  await using lb = await RunningLb.start(yaml({
    targets,
    listener: "timeouts: { queue: 50ms }",
    top: "log: { access: all }",
  }));

  for (let round = 0; round < 3; round++) {
    const clients = await Promise.all(
      Array.from({ length: 2 * each + excess }, () => Client.servedIfAny(lb.port())),
    );
    const served = clients.filter((client) => client !== undefined);
    everyOne(served)[Symbol.dispose]();
    assert.equal(served.length, 2 * each);
    const sessions = (round + 1) * clients.length;
    await lb.until(() => lb.records.length === sessions ? true : undefined);
  }

  assert.equal(one.mostOpen, each);
  assert.equal(two.mostOpen, each);
  const refused = lb.records.filter(({ target }) => target === null);
  assert.deepEqual(new Set(refused.map(({ reason }) => reason)), new Set(["queue_timeout"]));
});

async function crowd(port: number, size: number): Promise<Disposable & { readonly all: readonly Client[] }> {
  const all = await Promise.all(Array.from({ length: size }, () => Client.served(port)));
  return { all, ...everyOne(all) };
}

function everyOne(all: readonly Client[]): Disposable {
  return { [Symbol.dispose]: () => all.forEach((client) => client[Symbol.dispose]()) };
}
