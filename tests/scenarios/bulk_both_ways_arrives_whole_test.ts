import assert from "node:assert/strict";
import { figure } from "../support/figure.ts";
import { assertPayload, many, readToEnd, Target, writePayload } from "../support/peers.ts";
import { counts, workerCounts } from "./counts.ts";
import { closeRecords, connect, reasonsOf, startLb } from "./program.ts";

const { bytes, ...sessions } = counts.bulk;

for (const workers of workerCounts) {
  Deno.test(`bulk in both directions at the same time arrives whole, ${workers} workers`, async () => {
    await using target = new Target(async (conn) => {
      await exchange(conn, { sends: 2, receives: 1 });
    });
    await using lb = await startLb(target, { workers });
    await many(sessions, async () => {
      using client = await connect(lb);
      await exchange(client, { sends: 1, receives: 2 });
    });
    // Until then some of it may still be on its way to the target.
    const reasons = reasonsOf(await closeRecords(lb, sessions.count));
    assert.deepEqual(reasons, { done: sessions.count });
    const lost = sessions.count - reasons["done"]!;
    figure(`sessions of ${sessions.count} not whole`, { row: 1, is: lost, most: 0, unit: "" });
  });
}

/** Sends one payload and half-closes, while the other comes in. */
async function exchange(
  conn: Deno.TcpConn,
  { sends, receives }: { sends: number; receives: number },
): Promise<void> {
  const send = async () => {
    await writePayload(conn, sends, bytes);
    await conn.closeWrite();
  };
  const [received] = await Promise.all([readToEnd(conn), send()]);
  assertPayload(received, receives, bytes);
}
