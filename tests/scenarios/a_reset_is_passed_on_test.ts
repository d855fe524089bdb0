import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { engine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import {
  isCut,
  many,
  numberBytes,
  payload,
  readExactly,
  readNumber,
  readUntilGone,
  Target,
  writeAll,
  writePayload,
} from "../support/peers.ts";
import { counts, workerCounts } from "./counts.ts";
import { assertFlat, closeRecords, connect, reasonsOf, startLb } from "./program.ts";
import { RawConn, ResettingTarget } from "../support/raw_sockets.ts";

const sessions = counts.resets;
const part = 200_000;
const onlyLinux = engine === "linux" ? "" : " (ignored: the portable engine cannot send an RST)";

/** What the other side sees of a reset. */
const seen = engine === "linux"
  ? { end: "cut", words: "a reset", error: Deno.errors.ConnectionReset }
  : { end: "eof", words: "an end (a FIN: the portable engine cannot send an RST)", error: Error };

for (const workers of workerCounts) {
  Deno.test(`a target whose client resets in mid-upload sees ${seen.words} behind all that had arrived, ${workers} workers`, async () => {
    const ends: string[] = [];
    const [resetAt, took]: [number[], number[]] = [[], []];
    const arrived = Array.from({ length: sessions.count }, () => Promise.withResolvers<void>());
    await using target = new Target(async (conn) => {
      const index = await readNumber(conn);
      await readExactly(conn, part);
      arrived[index]!.resolve();
      ends.push((await readUntilGone(conn)).end);
      took.push(performance.now() - resetAt[index]!);
    });
    await using lb = await startLb(target, { workers });
    const descriptors = lb.descriptors();
    await many(sessions, async (index) => {
      using client = RawConn.connect(lb.port());
      await client.send(numberBytes(index));
      for (const piece of payload(index, part)) await client.send(piece);
      await arrived[index]!.promise;
      resetAt[index] = performance.now();
    });
    assert.deepEqual(reasonsOf(await closeRecords(lb, sessions.count)), { client_reset: sessions.count });
    await assertFlat(lb, { sessions: sessions.count, descriptors });
    await eventually("every target's end", () => ends.length === sessions.count);
    assert.deepEqual(new Set(ends), new Set([seen.end]));
    figure("slowest end that a target sees", { row: 8, is: Math.max(...took), most: 1_000, unit: "ms" });
  });

  Deno.test(`a target whose client resets in mid-download cannot write any more, ${workers} workers`, async () => {
    let cut = 0;
    await using target = new Target(async (conn) => {
      // Far more than fits between here and the client.
      await assert.rejects(
        writePayload(conn, 1, 2 ** 40),
        (error) => isCut(error) && error instanceof seen.error,
      );
      cut++;
    });
    await using lb = await startLb(target, { workers });
    const descriptors = lb.descriptors();
    await many(sessions, async () => {
      using client = RawConn.connect(lb.port());
      await client.receive(part);
    });
    assert.deepEqual(reasonsOf(await closeRecords(lb, sessions.count)), { client_reset: sessions.count });
    await assertFlat(lb, { sessions: sessions.count, descriptors });
    await eventually("every target's end", () => cut === sessions.count);
  });

  Deno.test({
    name:
      `slow and fast readers whose target resets in mid-answer see a reset behind a prefix of it, never an end of input, ${workers} workers${onlyLinux}`,
    ignore: engine !== "linux",
    async fn() {
      assert.deepEqual(await endsOfResetAnswers(workers), new Set(["cut"]));
    },
  });
}

if (engine === "portable") {
  Deno.test("a client whose target resets in mid-answer sees an end behind a prefix of it, and nothing is left behind", async () => {
    await endsOfResetAnswers(2);
  });
}

/** Has targets reset behind the first part of their answer; gives the ways in which their clients saw it end. */
async function endsOfResetAnswers(workers: number): Promise<Set<string>> {
  await using target = new ResettingTarget(async (conn) => {
    await conn.receive(1_000);
    await conn.send(whole(part));
  });
  await using lb = await startLb(target, { workers });
  const descriptors = lb.descriptors();
  const ends = new Set<string>();
  await many(sessions, async (index) => {
    using client = await connect(lb);
    await writeAll(client, whole(1_000));
    const { bytes, end } = await untilEnd(client, index % 2 === 0 ? millisecond : async () => {});
    assertPrefix(bytes);
    ends.add(end);
  });
  assert.deepEqual(reasonsOf(await closeRecords(lb, sessions.count)), { server_reset: sessions.count });
  await assertFlat(lb, { sessions: sessions.count, descriptors });
  return ends;
}

function millisecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** A payload in one piece. */
function whole(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of payload(1, size)) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Not deepEqual, which takes seconds for so many bytes on older versions of Deno. */
function assertPrefix(bytes: Uint8Array): void {
  assert.ok(
    Buffer.from(bytes).equals(whole(part).subarray(0, bytes.length)),
    `${bytes.length} bytes, not all as sent`,
  );
}

/** Everything that comes until the connection ends, and how it does; pauses after every few bytes. */
async function untilEnd(
  conn: Deno.Conn,
  pause: () => Promise<void>,
): Promise<{ bytes: Uint8Array; end: "eof" | "cut" }> {
  const bytes = new Uint8Array(part + 1);
  for (let at = 0;;) {
    try {
      const got = await conn.read(bytes.subarray(at, at + 4_000));
      if (got === null) return { bytes: bytes.subarray(0, at), end: "eof" };
      at += got;
      await pause();
    } catch (error) {
      if (!isCut(error)) throw error;
      return { bytes: bytes.subarray(0, at), end: "cut" };
    }
  }
}
