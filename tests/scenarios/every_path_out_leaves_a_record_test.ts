/** INT, and signals that come while lb still starts. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { within } from "../support/eventually.ts";
import { BareLb } from "../support/bare_lb.ts";
import { RunningLb } from "../support/lb.ts";
import { echo, silence, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

Deno.test("INT ends open sessions as killed, each with its record", async () => {
  await using target = new Target(echo);
  await using lb = await RunningLb.start(yaml({ targets: [target.address], top: "log: { access: all }" }));
  const clients = await Promise.all(Array.from({ length: 3 }, () => Client.served(lb.port())));
  lb.kill("SIGINT");
  assert.equal(await lb.ended(), 0);
  for (const client of clients) client[Symbol.dispose]();
  assert.deepEqual(lb.records.map(({ reason }) => reason), ["killed", "killed", "killed"]);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} while the first probe still hangs ends lb with 0, before it has started`, async () => {
    const asked = Promise.withResolvers<void>();
    await using target = new Target((conn) => {
      asked.resolve();
      return silence(conn);
    });
    const pool = "health: { check: http, timeout: 1h, interval: 1h }";
    await using lb = await BareLb.start(yaml({ targets: [target.address], pool }));
    await within("the first probe", asked.promise);
    lb.kill(signal);
    assert.equal(await lb.ended(), 0);
    await lb.read(/never said/);
    assert.doesNotMatch(lb.log, /started with/);
    assert.match(lb.log, /stopped/);
  });
}
