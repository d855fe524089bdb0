import assert from "node:assert/strict";
import { figure } from "../support/figure.ts";
import {
  assertPayload,
  many,
  payloadSha,
  readExactly,
  readToEnd,
  Target,
  writeAll,
  writePayload,
} from "../support/peers.ts";
import { counts, workerCounts } from "./counts.ts";
import { closeRecords, connect, reasonsOf, startLb } from "./program.ts";

const { bytes, ...sessions } = counts.clientHalfClose;

for (const workers of workerCounts) {
  Deno.test(`a client that half-closes gets the whole answer to all it sent, ${workers} workers`, async () => {
    await using target = new Target(async (conn) => {
      // The answer begins only after the client's end of input has come through.
      const { sha } = await readToEnd(conn);
      await writeAll(conn, new TextEncoder().encode(sha));
      await writePayload(conn, 2, bytes / 10);
    });
    await using lb = await startLb(target, { workers });
    await many(sessions, async () => {
      using client = await connect(lb);
      await writePayload(client, 1, bytes);
      await client.closeWrite();
      assert.equal(new TextDecoder().decode(await readExactly(client, 64)), payloadSha(1, bytes));
      assertPayload(await readToEnd(client), 2, bytes / 10);
    });
    const reasons = reasonsOf(await closeRecords(lb, sessions.count));
    assert.deepEqual(reasons, { done: sessions.count });
    const lost = sessions.count - reasons["done"]!;
    figure(`sessions of ${sessions.count} not whole`, { row: 4, is: lost, most: 0, unit: "" });
  });
}
