import assert from "node:assert/strict";
import { Target, writeAll } from "../support/target.ts";
import { openLeg } from "./leg.ts";
import { paced } from "./paced.ts";
import { testWith } from "../support/needs.ts";

const answer = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");

/** Answers each request, which fits into one read; the `silent`th one and all behind it never. */
function server({ silent }: { silent: number }): Target {
  let requests = 0;
  return new Target(async (conn) => {
    while (await conn.read(new Uint8Array(1024)) !== null) {
      if (++requests < silent) await writeAll(conn, answer);
    }
  });
}

const load = { address: "127.0.0.1", connections: 4, ratePerS: 200, seconds: 0.5, seed: 1 };
const needs = { programs: ["setsid"], obstacle: Deno.build.os === "linux" ? undefined : "libc is Linux's" };

function paceOn(target: Target): ReturnType<typeof paced> {
  const { client } = openLeg("loopback");
  const port = Number(target.address.split(":")[1]);
  return paced({ ...load, port }, { client, signal: new AbortController().signal });
}

testWith(needs, "the fixed load is sent whole, and each answer has its latency", async () => {
  await using target = server({ silent: Infinity });
  const { due, answered, p50Ms, maxMs, warmUpAnswered } = await paceOn(target);
  assert.ok(due > 50 && due < 150, `${due} requests`);
  assert.equal(answered, due);
  assert.ok(p50Ms > 0 && p50Ms <= maxMs, `${p50Ms} ${maxMs}`);
  assert.ok(warmUpAnswered > load.connections, `${warmUpAnswered}`);
  assert.equal(target.accepted, load.connections);
});

testWith(needs, "requests that are never answered count with the time they have waited", async () => {
  await using target = server({ silent: 160 });
  const { due, answered, maxMs } = await paceOn(target);
  assert.ok(answered < due, `${answered} of ${due}`);
  assert.ok(maxMs >= 2_000, `${maxMs}`);
});
