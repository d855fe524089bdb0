/** Row 26 of the acceptance table, with the whole program: probes that are answered badly. */
import assert from "node:assert/strict";
import { exchange } from "../support/client.ts";
import { healthyEcho } from "../support/echo_program.ts";
import { eventually } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { times } from "../support/soak.ts";
import { type Serve, silence, Target, writeAll } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const probes = times({ short: 8, long: 500 });
const timeoutMs = 150;
/** Several times as long as so many probes last that each take the timeout. */
const maxMs = times({ short: 30_000, long: 300_000 });

/** Sends a beginning, then one text over and over, as fast as it is taken or one every few milliseconds. */
function endlessly(first: string, again: string, everyMs = 0): Serve {
  return async (conn) => {
    const encoder = new TextEncoder();
    await conn.read(new Uint8Array(4096));
    await writeAll(conn, encoder.encode(first));
    for (const bytes = encoder.encode(again);;) {
      await writeAll(conn, bytes);
      if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };
}

/** Says something, and then nothing more for as long as it is let. */
function partly(text: string): Serve {
  return async (conn) => {
    await conn.read(new Uint8Array(4096));
    await writeAll(conn, new TextEncoder().encode(text));
    await silence(conn);
  };
}

const nasty: { readonly [kind: string]: Serve } = {
  "says nothing": silence,
  "stops in the middle of the status line": partly("HTTP/1.1 20"),
  "stops in the middle of the body": partly("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nu"),
  "sends headers without end": endlessly("HTTP/1.1 200 OK\r\n", `x: ${"y".repeat(1000)}\r\n`),
  "sends a body without end, a byte at a time": endlessly("HTTP/1.1 200 OK\r\n\r\n", "u", 5),
  "says its body is 1 GB and sends it": endlessly(
    "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n",
    "u".repeat(65_536),
  ),
};

Deno.test("targets that answer health checks without end stay down, cost no descriptor, and the good one serves", async () => {
  await using servers = new AsyncDisposableStack();
  await using right = new Target(healthyEcho);
  const wrong = Object.values(nasty).map((serve) => servers.use(new Target(serve)));
  const pace = `interval: 50ms, fastInterval: 50ms, downInterval: 50ms, timeout: ${timeoutMs}ms`;
  await using lb = await RunningLb.start(yaml({
    targets: [...wrong, right].map(({ address }) => address),
    pool: `health: { check: http, expect: { body: up }, ${pace} }`,
  }));
  const descriptors = lb.descriptors();

  await eventually("many probes of each", async () => {
    assert.equal(await exchange(lb.port(), "hello"), "hello");
    return wrong.every(({ accepted }) => accepted >= probes);
  }, { maxMs });

  // Each may have one probe under way.
  await eventually(
    "descriptors back to where they were",
    () => lb.descriptors() <= descriptors + wrong.length + 1,
  );
  const kept = lb.descriptors() - descriptors;
  figure("descriptors more than at the start", { row: 26, is: kept, most: wrong.length + 1, unit: "" });
  for (const { address, mostOpen } of wrong) {
    const states = lb.lines.filter(({ target, state }) => target === address && state !== undefined);
    assert.deepEqual(states.map(({ state }) => state), ["down"]);
    // The next one may begin before this side has noticed the end of the last.
    assert.ok(mostOpen <= 2, `${mostOpen} probes of one target at a time`);
  }
});

for (const [kind, serve] of Object.entries(nasty)) {
  Deno.test(`a target that ${kind} is logged as down with what was wrong`, async () => {
    await using target = new Target(serve);
    await using lb = await RunningLb.start(
      yaml({
        targets: [target.address],
        pool: "health: { check: http, expect: { body: up }, timeout: 300ms }",
      }),
    );
    const { detail, level } = await lb.line(({ state }) => state === "down");
    assert.equal(level, "warn");
    assert.match(String(detail), /300ms|headers|^body "u+…", wanted "up"$/);
  });
}
