import { RunningLb } from "../support/lb.ts";
import assert from "node:assert/strict";
import { within } from "../support/eventually.ts";
import { assertPayload, many, readToEnd, Target, writePayload } from "../support/peers.ts";
import { counts } from "./counts.ts";
import { closeRecords, reasonsOf, startLb } from "./program.ts";

const sessions = counts.records;
const size = 10_000;

/** A target that answers what it got with as much. */
function answering(): Target {
  return new Target(async (conn) => {
    assertPayload(await readToEnd(conn), 1, size);
    await writePayload(conn, 2, size);
  });
}

async function exchange(client: Deno.Conn): Promise<void> {
  await writePayload(client, 1, size);
  await client.closeWrite();
  assertPayload(await readToEnd(client), 2, size);
}

async function exchangeOverUnix(path: string): Promise<void> {
  using client = await Deno.connect({ transport: "unix", path });
  await exchange(client);
}

for (const workers of [1, 2]) {
  Deno.test(`0.0.0.0 and [::] are bound to the same port together, ${workers} workers`, async () => {
    await using target = new Target((conn) => writePayload(conn, 1, 10));
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    await using lb = await RunningLb.start(JSON.stringify({
      process: { workers },
      listeners: { web: { bind: [`0.0.0.0:${port}`, `[::]:${port}`], pool: "app" } },
      pools: { app: { health: "none", targets: [target.address] } },
    }));
    for (const hostname of ["127.0.0.1", "::1"]) {
      using client = await Deno.connect({ hostname, port: lb.port() });
      assertPayload(await within(`an answer on ${hostname}`, readToEnd(client)), 1, 10);
    }
  });

  Deno.test(`a listener on [::1]:0 serves over IPv6 and records the client's address, ${workers} workers`, async () => {
    await using target = answering();
    await using lb = await startLb(target, { workers, bind: "[::1]:0" });
    const clients: string[] = [];
    await many(sessions, async () => {
      using client = await Deno.connect({ hostname: "::1", port: lb.port() });
      clients.push(`[::1]:${client.localAddr.port}`);
      await exchange(client);
    });
    const records = await closeRecords(lb, sessions.count);
    assert.deepEqual(records.map(({ client }) => String(client)).sort(), clients.sort());
    assert.deepEqual(reasonsOf(records), { done: sessions.count });
  });

  Deno.test({
    name:
      `a listener on a unix socket serves, and the file that kill -9 leaves behind is in nobody's way, ${workers} workers`,
    fn: async () => {
      const folder = await Deno.makeTempDir({ prefix: "lb-scenario-unix-" });
      await using _removed = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
      const path = `${folder}/web.sock`;
      const program = { workers, bind: `unix:${path}` };
      await using target = answering();
      {
        await using killed = await startLb(target, program);
        await exchangeOverUnix(path);
        killed.kill("SIGKILL");
        await killed.ended();
      }
      assert.ok((await Deno.lstat(path)).isSocket, "nothing was left behind");
      await using lb = await startLb(target, program);
      await many(sessions, () => exchangeOverUnix(path));
      const records = await closeRecords(lb, sessions.count);
      assert.deepEqual(reasonsOf(records), { done: sessions.count });
      assert.deepEqual(new Set(records.map(({ client }) => client)), new Set(["unix:"]));
    },
  });
}
