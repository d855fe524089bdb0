import assert from "node:assert/strict";
import { atShare, failuresOf, ProbeLoad } from "./probe.ts";
import { echo, Target } from "./target.ts";

const portOf = ({ address }: Target) => Number(address.split(":")[1]);

Deno.test("probes that come back as they were sent have no failure", async () => {
  await using target = new Target(echo);
  await using load = new ProbeLoad({ port: portOf(target), perSecond: 500 });
  assert.deepEqual(failuresOf(await load.more(20)), {});
  assert.ok((await load.stop()).length >= 20);
});

Deno.test("a probe that is not served is counted with its cause, and those after it begin all the same", async () => {
  let served = 0;
  await using target = new Target(async (conn) => {
    if (served++ % 2 === 0) await echo(conn);
  });
  await using load = new ProbeLoad({ port: portOf(target), perSecond: 500 });
  const failures = Object.values(failuresOf(await load.more(40)));
  assert.ok(failures.length > 0);
  const sum = failures.reduce((total, count) => total + count, 0);
  assert.ok(sum > 0 && sum < 40, `${sum} of 40`);
});

Deno.test("a share of values is at the one that so many are not above", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.equal(atShare(hundred, 0.99), 100);
  assert.equal(atShare(hundred, 0.5), 51);
  assert.equal(atShare([7], 0.99), 7);
  assert.ok(Number.isNaN(atShare([], 0.5)));
});
