import assert from "node:assert/strict";
import { eventually, within } from "../support/eventually.ts";
import {
  assertPayload,
  isCut,
  many,
  numberBytes,
  payload,
  queuesOf,
  readExactly,
  readNumber,
  readToEnd,
  readUntilGone,
  Target,
  writeAll,
  writePayload,
} from "../support/peers.ts";
import { counts, workerCounts } from "./counts.ts";
import { assertFlat, closeRecords, connect, reasonsOf, startLb } from "./program.ts";
import { ResettingTarget } from "../support/raw_sockets.ts";

const sessions = counts.earlyClose;
const answer = 2_000_000;

/** More than the buffers between client and target hold, so that some of it is unread wherever one closes. */
const upload = 32 * 1024 * 1024;

for (const workers of workerCounts) {
  Deno.test(`a target that finishes and reads no more loses nothing it sent while the client uploads, ${workers} workers`, async () => {
    const heard = Array.from({ length: sessions.count }, () => Promise.withResolvers<void>());
    // Its FIN first, then on without reading: closing now would make its own kernel answer the unread upload with an
    // RST and throw away what it has yet to send.
    await using target = new Target(async (conn) => {
      const index = await readNumber(conn);
      await writePayload(conn, 2, answer);
      await conn.closeWrite();
      await heard[index]!.promise;
    });
    await using lb = await startLb(target, { workers });
    const descriptors = lb.descriptors();
    await many(sessions, async (index) => {
      using client = await connect(lb);
      await uploadWhile(client, { index, size: Infinity }, async () => {
        assertPayload(await readToEnd(client), 2, answer);
        heard[index]!.resolve();
      });
    });
    assert.deepEqual(reasonsOf(await closeRecords(lb, sessions.count)), { done: sessions.count });
    await assertFlat(lb, { sessions: sessions.count, descriptors });
  });

  Deno.test(`a target that closes on unread input loses nothing it sent if all it sent was acknowledged, ${workers} workers`, async () => {
    const closed = Array.from({ length: sessions.count }, () => Promise.withResolvers<void>());
    // Deno closes with a FIN, behind which Linux sends an RST for the unread input.
    await using target = new Target(async (conn) => {
      const index = await readNumber(conn);
      await writePayload(conn, 2, answer);
      await untilHarmless(() => queuesOf(conn));
      conn[Symbol.dispose]();
      closed[index]!.resolve();
    });
    await using lb = await startLb(target, { workers });
    const descriptors = lb.descriptors();
    await many(sessions, async (index) => {
      using client = await connect(lb);
      await hearSlowly(client, { index, closed: closed[index]!.promise });
    });
    await assertFlat(lb, { sessions: sessions.count, descriptors });
  });

  Deno.test(`a target that resets after all it sent was acknowledged loses nothing it sent, ${workers} workers`, async () => {
    const closed = Array.from({ length: sessions.count }, () => Promise.withResolvers<void>());
    // A close on unread input by a program that does not shut down first: an RST and no FIN.
    await using target = new ResettingTarget(async (conn) => {
      const index = new DataView((await conn.receive(4)).buffer).getUint32(0, true);
      for (const piece of payload(2, answer)) await conn.send(piece);
      await untilHarmless(() => conn.queues());
      conn[Symbol.dispose]();
      closed[index]!.resolve();
    });
    await using lb = await startLb(target, { workers });
    const descriptors = lb.descriptors();
    await many(sessions, async (index) => {
      using client = await connect(lb);
      await hearSlowly(client, { index, closed: closed[index]!.promise });
    });
    await assertFlat(lb, { sessions: sessions.count, descriptors });
  });
}

Deno.test("a client that reads after a while gets the whole answer of a target that has closed, however long it uploads on", async () => {
  await using target = new Target(async (conn) => {
    await readNumber(conn);
    await writePayload(conn, 2, answer);
    await untilHarmless(() => queuesOf(conn));
  });
  await using lb = await startLb(target);
  using client = await connect(lb);
  let over = false;
  const trickle = async () => {
    await writeAll(client, numberBytes(1));
    // Longer than a quiet client is waited for.
    while (!over) {
      await writeAll(client, new Uint8Array(1_000));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const uploading = trickle();
  // Being late is the point: longer than lb waits for a client that has gone quiet.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assertPayload(await within("the whole answer", readToEnd(client)), 2, answer);
  over = true;
  await within("the end of the upload", uploading);
  await client.closeWrite();
  assert.deepEqual(reasonsOf(await closeRecords(lb, 1)), { done: 1 });
});

type Queues = Awaited<ReturnType<typeof queuesOf>>;

/** Waits until closing harms nothing but what the client sent: else it is the target's own kernel that throws away. */
async function untilHarmless(look: () => Queues | Promise<Queues>): Promise<void> {
  let seen: Queues | undefined;
  await eventually(
    () => `an empty send queue and unread input; there is ${JSON.stringify(seen)}`,
    async () => {
      seen = await look();
      return seen.unacknowledged === 0 && seen.unread > 0;
    },
  );
}

/** Uploads, and reads half of the answer before the target is gone, the rest after. */
async function hearSlowly(
  client: Deno.Conn,
  { index, closed }: { index: number; closed: Promise<void> },
): Promise<void> {
  await uploadWhile(client, { index, size: upload }, async () => {
    const first = await readExactly(client, answer / 2);
    await closed;
    assertPayload((await readUntilGone(client, first)).received, 2, answer);
  });
}

/** Sends its number and then more and more, until `size`, or `during` is through, or nobody takes it. */
async function uploadWhile(
  client: Deno.Conn,
  { index, size }: { index: number; size: number },
  during: () => Promise<void>,
): Promise<void> {
  await writeAll(client, numberBytes(index));
  let over = false;
  const send = async () => {
    try {
      for (const piece of payload(1, size)) {
        if (over) return;
        await writeAll(client, piece);
      }
    } catch (error) {
      if (!isCut(error)) throw error;
    }
  };
  await Promise.all([send(), during().finally(() => over = true)]);
}
