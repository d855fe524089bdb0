import assert from "node:assert/strict";
import { figure } from "../support/figure.ts";
import { eventually } from "../support/eventually.ts";
import {
  assertPayload,
  many,
  numberBytes,
  payload,
  readExactly,
  readNumber,
  readToEnd,
  Target,
  writeAll,
} from "../support/peers.ts";
import { soak } from "../support/soak.ts";
import { counts, workerCounts } from "./counts.ts";
import { assertFlat, closeRecords, connect, reasonsOf, startLb } from "./program.ts";

const { count, bytes, probes } = counts.stalled;
const mostGrowth = 1_000_000;

/** What a client asks of the target with its first number; any number from `firstStalled` on is a stalled session. */
const echo = 0;
const firstStalled = 1;

/** A sender that nobody reads, up to the moment it is told to stop. */
class Sender {
  sent = 0;
  stop = false;

  /** Sends until told to stop, or until there is nothing left to send, then half-closes. */
  async run(conn: Deno.Conn): Promise<void> {
    for (const piece of payload(1, bytes)) {
      if (this.stop) break;
      await writeAll(conn, piece);
      this.sent += piece.length;
    }
    await conn.closeWrite();
  }
}

/** Waits until no sender gets rid of anything any more: the sum stays the same for many looks in a row. */
async function untilStalled(senders: readonly Sender[]): Promise<void> {
  let [before, looks] = [0, 0];
  await eventually("every sender waits", () => {
    const sum = senders.reduce((total, { sent }) => total + sent, 0);
    looks = sum === before ? looks + 1 : 0;
    before = sum;
    return looks >= 40 && senders.every(({ sent }) => sent > 0);
  });
}

interface Stalled {
  readonly sendersSide: "target" | "client";
  readonly workers: number;
}

async function stallMany({ sendersSide, workers }: Stalled): Promise<void> {
  const senders = Array.from({ length: count }, () => new Sender());
  const readOn = Promise.withResolvers<void>();
  const play = async (conn: Deno.Conn, { sends, index }: { sends: boolean; index: number }) => {
    const sender = senders[index]!;
    if (sends) return await sender.run(conn);
    await readOn.promise;
    assertPayload(await readToEnd(conn), 1, sender.sent);
  };
  await using target = new Target(async (conn) => {
    const number = await readNumber(conn);
    if (number === echo) return await writeAll(conn, await readExactly(conn, 1_000));
    await play(conn, { sends: sendersSide === "target", index: number - firstStalled });
  });
  await using lb = await startLb(target, { workers });
  const descriptors = lb.descriptors();
  const probe = async () => {
    using client = await connect(lb);
    const said = new Uint8Array(1_000).fill(7);
    await writeAll(client, numberBytes(echo));
    await writeAll(client, said);
    assert.deepEqual(await readExactly(client, said.length), said);
  };
  await many({ count: probes, width: 4 }, probe);
  const resident = lb.residentBytes();

  const sessions = many({ count, width: count }, async (index) => {
    using client = await connect(lb);
    await writeAll(client, numberBytes(firstStalled + index));
    await play(client, { sends: sendersSide === "client", index });
  });
  await Promise.all([untilStalled(senders), many({ count: probes, width: 4 }, probe)]);
  // Others are served while all of these wait.
  await many({ count: probes, width: 4 }, probe);
  const growth = lb.residentBytes() - resident;
  for (const { sent } of senders) assert.ok(sent < bytes, `a sender got rid of all its ${bytes} bytes`);
  if (!soak) assert.ok(growth <= count * mostGrowth, `${count} stalled sessions took ${growth} bytes`);
  const row = sendersSide === "target" ? 11 : 12;
  const most = mostGrowth / 1e6;
  figure("memory for each stalled session", { row, is: growth / count / 1e6, most, unit: "MB" });

  // And nothing is lost once they read on.
  for (const sender of senders) sender.stop = true;
  readOn.resolve();
  await sessions;
  const total = count + 3 * probes;
  assert.deepEqual(reasonsOf(await closeRecords(lb, total)), { done: total });
  await assertFlat(lb, { sessions: total, descriptors });
}

for (const workers of workerCounts) {
  Deno.test(`clients that read nothing stop their target, cost little memory, and nobody else notices, ${workers} workers`, () =>
    stallMany({ sendersSide: "target", workers }));

  Deno.test(`targets that read nothing stop their client, cost little memory, and nobody else notices, ${workers} workers`, () =>
    stallMany({ sendersSide: "client", workers }));
}
