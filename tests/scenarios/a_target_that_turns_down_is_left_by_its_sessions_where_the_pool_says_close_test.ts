/** `onTargetDown`: what becomes of the open sessions of a target that its probes find down. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { engine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { RunningLb } from "../support/lb.ts";
import { times } from "../support/soak.ts";
import { answering, echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const sessions = times({ short: 20, long: 500 });

/** An echo target that remembers how its connections ended. */
function watched(): { readonly target: Target; readonly ends: string[] } {
  const ends: string[] = [];
  const target = new Target(async (conn) => {
    try {
      await echo(conn);
      ends.push("eof");
    } catch (error) {
      ends.push(error instanceof Deno.errors.ConnectionReset ? "reset" : String(error));
      throw error;
    }
  });
  return { target, ends };
}

for (const onTargetDown of ["close", "keep"] as const) {
  const fate = onTargetDown === "close" ? "are cut with target_down, spread, on both sides" : "go on";
  Deno.test(`with onTargetDown ${onTargetDown} the open sessions of a target that turns down ${fate}`, async () => {
    const { target, ends } = watched();
    await using _target = target;
    let status = 200;
    await using health = new Target(answering(() => ({ status, body: "" })));
    const port = health.address.split(":")[1];
    await using lb = await RunningLb.start(yaml({
      targets: [target.address],
      process: "workers: 2, maxConnections: 2000, drain: { closeSpread: 300ms }",
      pool: `health: { check: http, port: ${port}, interval: 50ms, fastInterval: 50ms, fall: 2 }, ` +
        `onTargetDown: ${onTargetDown}`,
    }));
    const clients = await Promise.all(Array.from({ length: sessions }, () => Client.served(lb.port())));

    status = 503;
    await lb.line(({ message }) => message?.startsWith(`target app/${target.address} is down`) ?? false);

    if (onTargetDown === "keep") {
      for (const client of clients) await client.say("still here");
      assert.deepEqual(lb.records, []);
    } else {
      const rests = await Promise.all(clients.map((client) => client.untilCut()));
      assert.deepEqual(new Set(rests), new Set([""]));
      await eventually("the target knows of every end", () => ends.length === sessions);
      if (engine === "linux") assert.deepEqual(new Set(ends), new Set(["reset"]));
      const line = lb.lines.find(({ message }) => message?.startsWith("open sessions are cut") ?? false);
      assert.equal(
        line?.message,
        `open sessions are cut over 300ms, their target is down: ${sessions} of target app/${target.address}`,
      );
      await lb.until(() => lb.records.find(({ reason }) => reason === "target_down"));
    }
    for (const client of clients) client[Symbol.dispose]();
  });
}
