import assert from "node:assert/strict";
import { figure } from "../support/figure.ts";
import { many, numberBytes, readNumber, readToEnd, Target, writeAll } from "../support/peers.ts";
import { counts, workerCounts } from "./counts.ts";
import { assertFlat, closeRecords, connect, reasonsOf, startLb } from "./program.ts";

const sessions = counts.bothClose;

/** Where the two sides of a session wait for each other. */
interface Meeting {
  readonly targetIsThere: PromiseWithResolvers<void>;
  readonly close: PromiseWithResolvers<void>;
}

/** Every other session ends with half-closes, the rest with whole ones. */
async function finish(conn: Deno.TcpConn, index: number): Promise<void> {
  if (index % 2 === 0) return conn[Symbol.dispose]();
  await conn.closeWrite();
  assert.equal((await readToEnd(conn)).size, 0);
  conn[Symbol.dispose]();
}

for (const workers of workerCounts) {
  Deno.test(`client and target closing at the same moment leave nothing behind, ${workers} workers`, async () => {
    const meetings = Array.from({ length: sessions.count }, (): Meeting => ({
      targetIsThere: Promise.withResolvers(),
      close: Promise.withResolvers(),
    }));
    await using target = new Target(async (conn) => {
      const index = await readNumber(conn);
      const { targetIsThere, close } = meetings[index]!;
      targetIsThere.resolve();
      await close.promise;
      await finish(conn, index);
    });
    await using lb = await startLb(target, { workers });
    const descriptors = lb.descriptors();
    await many(sessions, async (index) => {
      const { targetIsThere, close } = meetings[index]!;
      using client = await connect(lb);
      await writeAll(client, numberBytes(index));
      await targetIsThere.promise;
      close.resolve();
      await finish(client, index);
    });
    const reasons = reasonsOf(await closeRecords(lb, sessions.count));
    assert.deepEqual(reasons, { done: sessions.count });
    const lost = sessions.count - reasons["done"]!;
    figure(`sessions of ${sessions.count} not whole`, { row: 6, is: lost, most: 0, unit: "" });
    await assertFlat(lb, { sessions: sessions.count, descriptors });
  });
}
