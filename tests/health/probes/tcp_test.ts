import assert from "node:assert/strict";
import { closedPort, loopback, serve, socketsLeft, untilClosed } from "../support/servers.ts";
import { outcomeOf } from "../support/probing.ts";
import { tcp } from "../support/specs.ts";
import { Prober } from "../../../lib/health/prober.ts";

Deno.test("a tcp probe is content with a connection, on the check's own port if it has one", async () => {
  await using server = serve(untilClosed);
  assert.deepEqual(await outcomeOf({ ...tcp(), port: server.port }, closedPort()), ["passed", "connected"]);
});

Deno.test("a tcp probe of a closed port says connection refused", async () => {
  assert.deepEqual(await outcomeOf(tcp(), closedPort()), ["failed", "connection refused"]);
});

Deno.test("a target without an address fails with the cause", async () => {
  const target = { host: "app.test", port: 80, addresses: [] };
  assert.deepEqual(await outcomeOf(tcp(), { ...target, unresolved: "host not found" }), [
    "failed",
    "host not found",
  ]);
  assert.deepEqual(await outcomeOf(tcp(), target), ["failed", "no address"]);
});

Deno.test("a tcp probe that is aborted leaves nothing open and is inconclusive", async () => {
  let port = 0;
  {
    await using server = serve(untilClosed);
    using prober = new Prober();
    port = server.port;
    assert.equal(
      (await prober.probe(tcp(), loopback(port), { signal: AbortSignal.abort() })).outcome,
      "inconclusive",
    );
    const stop = new AbortController();
    const running = prober.probe(tcp(), loopback(port), { signal: stop.signal });
    stop.abort();
    assert.equal((await running).outcome, "inconclusive");
  }
  assert.equal(await socketsLeft(port), 0);
});

Deno.test("a connection whose two ends are the same is a refusal", async () => {
  await using server = serve(untilClosed);
  const connect = async (options: Deno.ConnectOptions) => {
    const conn = await Deno.connect(options);
    return Object.create(conn, {
      localAddr: { value: conn.remoteAddr },
      remoteAddr: { value: conn.remoteAddr },
      close: { value: () => conn.close() },
    });
  };
  assert.deepEqual(await outcomeOf(tcp(), server.port, { connect }), ["failed", "connection refused"]);
});

function evenClosedPort(): number {
  for (let tries = 0; tries < 1000; tries++) {
    const port = closedPort() & ~1;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  assert.fail("no even port is free");
}

/** Dials once; a connection that has not connected to itself is closed. */
async function selfConnected(port: number): Promise<Deno.TcpConn | undefined> {
  try {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    if (conn.localAddr.port === port) return conn;
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
  }
  return undefined;
}

Deno.test({
  name: "a real socket that has connected to itself is a refusal too",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    // Linux gives odd ports to listeners and even ones, at random or in a row, to connections, until either run out: of
    // 14,000 even ones a dial meets its own sooner or later.
    const port = evenClosedPort();
    let found: Deno.TcpConn | undefined;
    for (let i = 0; found === undefined && i < 200_000; i++) found = await selfConnected(port);
    assert.ok(found !== undefined, "no socket has connected to itself in 200,000 dials");
    const conn = found;
    const result = await outcomeOf(tcp(), port, { connect: () => Promise.resolve(conn) });
    assert.deepEqual(result, ["failed", "connection refused"]);
  },
});
