/** `process.drain.delay`: balancers in front get the time to notice that lb is not ready any more. */
import assert from "node:assert/strict";
import { Client, exchange } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { isVerdict, RunningLb } from "../support/lb.ts";
import { answering, echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";
import { assertReloadRefused } from "./fronts.ts";

const delayed = (delay: string) =>
  `workers: 2, maxConnections: 2000, drain: { delay: ${delay}, deadline: none }`;

Deno.test("in its delay a drain serves new clients, goes on with probes, and refuses a reload with a line that says why", async () => {
  let status = 200;
  let probes = 0;
  await using target = new Target(echo);
  await using health = new Target(answering(() => {
    probes++;
    return { status, body: "" };
  }));
  const port = health.address.split(":")[1];
  await using lb = await RunningLb.start(yaml({
    targets: [target.address],
    process: delayed("1h"),
    pool: `health: { check: http, port: ${port}, interval: 50ms, fastInterval: 50ms }`,
  }));
  using open = await Client.served(lb.port());

  lb.kill("SIGTERM");
  await lb.line(({ message }) =>
    message === "no longer ready: new sessions are taken for 1h more, then lb drains"
  );
  for (let session = 0; session < 20; session++) assert.equal(await exchange(lb.port(), "hello"), "hello");
  const before = probes;
  await eventually("probes go on", () => probes > before + 1);
  status = 503;
  await lb.line(({ message }) => message?.startsWith(`target app/${target.address} is down`) ?? false);

  assertReloadRefused(await lb.reload(), "lb is stopping; generation 1 stays in force");
  // Also one with mistakes: it is not even read.
  assertReloadRefused(await lb.reload("listeners: ["), "lb is stopping");
  assert.equal(lb.lines.filter(isVerdict).length, 2);
  assert.ok(!lb.lines.some(({ message }) => message?.startsWith("draining")));

  await open.say("open all the while");
  lb.kill("SIGTERM");
  assert.equal(await lb.ended(), 0);
  assert.equal(await open.untilCut(), "");
  assert.ok(lb.lines.some(({ message }) => message === "stopping at once: 1 sessions are cut"));
});

Deno.test("behind its delay a drain closes the listeners, and sessions that began in the delay end by themselves", async () => {
  await using target = new Target(echo);
  await using lb = await RunningLb.start(yaml({ targets: [target.address], process: delayed("3s") }));

  lb.kill("SIGTERM");
  await lb.line(({ message }) => message?.startsWith("no longer ready") ?? false);
  using client = await Client.served(lb.port());
  await lb.line(({ message }) =>
    message === "draining: no new sessions, 1 open ones end, without a deadline"
  );
  await client.say("open while it drains");
  await client.finish();

  assert.equal(await client.rest(), "");
  assert.equal(await lb.ended(), 0);
  assert.deepEqual(lb.lines.slice(-2).map(({ message }) => message), [
    "drained: 1 sessions ended, 0 were cut",
    "stopped",
  ]);
});

Deno.test("INT in the delay of a drain stops at once", async () => {
  await using target = new Target(echo);
  await using lb = await RunningLb.start(yaml({ targets: [target.address], process: delayed("1h") }));
  using client = await Client.served(lb.port());
  lb.kill("SIGTERM");
  await lb.line(({ message }) => message?.startsWith("no longer ready") ?? false);
  lb.kill("SIGINT");
  assert.equal(await lb.ended(), 0);
  assert.equal(await client.untilCut(), "");
});
