import assert from "node:assert/strict";
import { figure } from "../support/figure.ts";
import { eventually } from "../support/eventually.ts";
import {
  assertPayload,
  many,
  numberBytes,
  randomFrom,
  readExactly,
  readToEnd,
  Target,
  writeAll,
  writePayload,
} from "../support/peers.ts";
import { counts, workerCounts } from "./counts.ts";
import { assertFlat, closeRecords, connect, reasonsOf, startLb } from "./program.ts";

const lives = counts.randomLives;
const seed = 20_240;

/** How a session goes: who finishes first, and whether it half-closes or has nothing to say at all. */
const courses = [
  "client first",
  "target first",
  "both at once",
  "client closes whole",
  "nothing said",
] as const;

interface Life {
  readonly course: typeof courses[number];
  readonly up: number;
  readonly down: number;
}

function randomLives(): Life[] {
  const random = randomFrom(seed);
  const size = () => Math.floor(random() ** 2 * 64_001);
  return Array.from({ length: lives.count }, () => ({
    course: courses[Math.floor(random() * courses.length)]!,
    up: size(),
    down: size(),
  }));
}

async function send(conn: Deno.TcpConn, index: number, size: number): Promise<void> {
  await writePayload(conn, index, size);
  await conn.closeWrite();
}

async function receive(conn: Deno.TcpConn, index: number, size: number): Promise<void> {
  assertPayload(await readToEnd(conn), index, size);
}

/** The client's side: its number first, then as the life has it. */
async function live(conn: Deno.TcpConn, index: number, { course, up, down }: Life): Promise<void> {
  if (course === "nothing said") {
    await conn.closeWrite();
    assert.equal((await readToEnd(conn)).size, 0);
    return;
  }
  await writeAll(conn, numberBytes(index));
  switch (course) {
    case "client first":
      await send(conn, index, up);
      return await receive(conn, index + 1, down);
    case "target first":
      await receive(conn, index + 1, down);
      return await send(conn, index, up);
    case "both at once":
      await Promise.all([send(conn, index, up), receive(conn, index + 1, down)]);
      return;
    case "client closes whole":
      await Promise.all([writePayload(conn, index, up), readExactly(conn, down)]);
  }
}

/** The target's side of the same life. */
async function serve(conn: Deno.TcpConn, index: number, { course, up, down }: Life): Promise<void> {
  switch (course) {
    case "client first":
      await receive(conn, index, up);
      return await send(conn, index + 1, down);
    case "target first":
      await send(conn, index + 1, down);
      return await receive(conn, index, up);
    case "both at once":
      await Promise.all([receive(conn, index, up), send(conn, index + 1, down)]);
      return;
    case "client closes whole":
      await Promise.all([receive(conn, index, up), writePayload(conn, index + 1, down)]);
  }
}

for (const workers of workerCounts) {
  Deno.test(`random lives carry every byte and leave nothing behind, ${workers} workers`, async () => {
    const planned = randomLives();
    let served = 0;
    await using target = new Target(async (conn) => {
      const first = new Uint8Array(4);
      const got = await conn.read(first);
      if (got !== null) {
        if (got < 4) first.set(await readExactly(conn, 4 - got), got);
        const index = new Uint32Array(first.buffer)[0]!;
        await serve(conn, index, planned[index]!);
      }
      served++;
    });
    await using lb = await startLb(target, { workers });
    const descriptors = lb.descriptors();
    await many(lives, async (index) => {
      using client = await connect(lb);
      await live(client, index, planned[index]!);
    });
    const reasons = reasonsOf(await closeRecords(lb, lives.count));
    assert.deepEqual(reasons, { done: lives.count });
    await assertFlat(lb, { sessions: lives.count, descriptors });
    const lost = lives.count - reasons["done"]!;
    figure(`lives of ${lives.count} not whole`, { row: 2, is: lost, most: 0, unit: "" });
    await eventually(() => `${lives.count} lives served; there are ${served}`, () => served === lives.count);
  });
}
