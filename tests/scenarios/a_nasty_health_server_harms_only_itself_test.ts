/** Row 26 of the acceptance table, with the whole program: probes that are answered badly. */
import assert from "node:assert/strict";
import { exchange } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { RunningLb } from "../support/lb.ts";
import { times } from "../support/soak.ts";
import { echo, type Serve, silence, Target, writeAll } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const probes = times({ short: 8, long: 500 });

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

/** Answers health checks and echoes everything else. */
const good: Serve = async (conn) => {
  const buffer = new Uint8Array(4096);
  const size = await conn.read(buffer) ?? 0;
  const text = new TextDecoder().decode(buffer.subarray(0, size));
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nup";
  await writeAll(conn, text.startsWith("GET ") ? new TextEncoder().encode(answer) : buffer.subarray(0, size));
  await echo(conn);
};

const nasty: { readonly [kind: string]: Serve } = {
  "says nothing": silence,
  "sends headers without end": endlessly("HTTP/1.1 200 OK\r\n", `x: ${"y".repeat(1000)}\r\n`),
  "sends a body without end, a byte at a time": endlessly("HTTP/1.1 200 OK\r\n\r\n", "u", 5),
  "says its body is 1 GB and sends it": endlessly(
    "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n",
    "u".repeat(65_536),
  ),
};

Deno.test("targets that answer health checks without end stay down, cost no descriptor, and the good one serves", async () => {
  await using servers = new AsyncDisposableStack();
  await using right = new Target(good);
  const wrong = Object.values(nasty).map((serve) => servers.use(new Target(serve)));
  const pace = "interval: 50ms, fastInterval: 50ms, downInterval: 50ms, timeout: 150ms";
  await using lb = await RunningLb.start(yaml({
    targets: [...wrong, right].map(({ address }) => address),
    pool: `health: { check: http, expect: { body: up }, ${pace} }`,
  }));
  const descriptors = lb.descriptors();

  await eventually("many probes of each", async () => {
    assert.equal(await exchange(lb.port(), "hello"), "hello");
    return wrong.every(({ accepted }) => accepted >= probes);
  });

  // Each may have one probe under way.
  await eventually(
    "descriptors back to where they were",
    () => lb.descriptors() <= descriptors + wrong.length + 1,
  );
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
