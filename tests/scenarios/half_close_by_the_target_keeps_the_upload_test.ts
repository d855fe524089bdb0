import assert from "node:assert/strict";
import { figure } from "../support/figure.ts";
import { eventually } from "../support/eventually.ts";
import { assertPayload, many, readToEnd, Target, writePayload } from "../support/peers.ts";
import { counts, workerCounts } from "./counts.ts";
import { closeRecords, connect, reasonsOf, startLb } from "./program.ts";

const { bytes, ...sessions } = counts.targetHalfClose;

for (const workers of workerCounts) {
  Deno.test(`a target that half-closes gets the whole upload that goes on, ${workers} workers`, async () => {
    let uploads = 0;
    await using target = new Target(async (conn) => {
      await writePayload(conn, 2, bytes / 10);
      await conn.closeWrite();
      assertPayload(await readToEnd(conn), 1, bytes);
      uploads++;
    });
    await using lb = await startLb(target, { workers });
    await many(sessions, async () => {
      using client = await connect(lb);
      // The upload begins only after the target's end of input has come through.
      assertPayload(await readToEnd(client), 2, bytes / 10);
      await writePayload(client, 1, bytes);
    });
    const reasons = reasonsOf(await closeRecords(lb, sessions.count));
    assert.deepEqual(reasons, { done: sessions.count });
    const lost = sessions.count - reasons["done"]!;
    figure(`sessions of ${sessions.count} not whole`, { row: 5, is: lost, most: 0, unit: "" });
    // The target may still read what the kernel holds for it.
    await eventually(
      () => `${sessions.count} whole uploads; there are ${uploads}`,
      () => uploads === sessions.count,
    );
  });
}
