import assert from "node:assert/strict";
import type { LogLine } from "../support/lb.ts";
import {
  many,
  numberBytes,
  readExactly,
  readNumber,
  readToEnd,
  readUntilGone,
  Target,
  writeAll,
  writePayload,
} from "../support/peers.ts";
import { counts, workerCounts } from "./counts.ts";
import { closeRecords, connect, startLb } from "./program.ts";
import { RawConn, ResettingTarget } from "../support/raw_sockets.ts";

const sessions = counts.records;

/** What is compared of a record: the rest are times and numbers nobody else knows. */
function essence({ reason, listener, pool, target, client, bytes, attempts }: LogLine): unknown {
  const tried = (attempts as { target: string; error: string | null }[]).map(({ target, error }) => ({
    target,
    error,
  }));
  return { reason, listener, pool, target, client, bytes, tried };
}

function byClient(records: readonly LogLine[]): unknown[] {
  return [...records].sort((one, other) => String(one["client"]) < String(other["client"]) ? -1 : 1).map(
    essence,
  );
}

for (const workers of workerCounts) {
  Deno.test(`every session that ends well leaves one record with its exact bytes, ${workers} workers`, async () => {
    const up = (index: number) => 4 + index * 1_237;
    const down = (index: number) => index * 811;
    await using target = new Target(async (conn) => {
      const index = await readNumber(conn);
      await readToEnd(conn);
      await writePayload(conn, 1, down(index));
    });
    await using lb = await startLb(target, { workers });
    const clients: string[] = [];
    await many(sessions, async (index) => {
      using client = await connect(lb);
      clients[index] = `127.0.0.1:${client.localAddr.port}`;
      await writeAll(client, numberBytes(index));
      await writePayload(client, 2, up(index) - 4);
      await client.closeWrite();
      assert.equal((await readToEnd(client)).size, down(index));
    });
    await closeRecords(lb, sessions.count);
    lb.kill("SIGTERM");
    await lb.ended();
    const expected = clients.map((client, index): LogLine => ({
      ...{
        time: "",
        level: "",
        reason: "done",
        listener: "web",
        pool: "app",
        target: target.address,
        client,
      },
      bytes: { received: up(index), sent: down(index) },
      attempts: [{ target: target.address, error: null }],
    }));
    assert.deepEqual(byClient(lb.records), byClient(expected));
    assert.equal(new Set(lb.records.map(({ id }) => id)).size, sessions.count);
  });

  Deno.test(`a reset by the client is recorded as client_reset with the bytes up to it, ${workers} workers`, async () => {
    await using target = new Target(async (conn) => {
      await readExactly(conn, 500);
      await writeAll(conn, new Uint8Array(300));
      await readUntilGone(conn);
    });
    await using lb = await startLb(target, { workers });
    await many(sessions, async () => {
      using client = RawConn.connect(lb.port());
      await client.send(new Uint8Array(500));
      await client.receive(300);
    });
    assertAll(await closeRecords(lb, sessions.count), { reason: "client_reset", received: 500, sent: 300 });
  });

  Deno.test(`a reset by the target is recorded as server_reset with the bytes up to it, ${workers} workers`, async () => {
    const received = Array.from({ length: sessions.count }, () => Promise.withResolvers<void>());
    await using target = new ResettingTarget(async (conn) => {
      const index = new DataView((await conn.receive(500)).buffer).getUint32(0, true);
      await conn.send(new Uint8Array(300));
      await received[index]!.promise;
    });
    await using lb = await startLb(target, { workers });
    await many(sessions, async (index) => {
      using client = await connect(lb);
      await writeAll(client, numberBytes(index));
      await writeAll(client, new Uint8Array(496));
      await readExactly(client, 300);
      received[index]!.resolve();
      await client.read(new Uint8Array(1)).catch(() => {});
    });
    assertAll(await closeRecords(lb, sessions.count), { reason: "server_reset", received: 500, sent: 300 });
  });
}

function assertAll(
  records: readonly LogLine[],
  { reason, received, sent }: { reason: string; received: number; sent: number },
): void {
  assert.equal(records.length, sessions.count);
  for (const record of records) {
    assert.deepEqual([record["reason"], record["bytes"]], [reason, { received, sent }]);
  }
}
