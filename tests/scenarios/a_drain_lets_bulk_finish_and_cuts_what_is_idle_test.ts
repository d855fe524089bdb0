/** TERM with bulk transfers and idle sessions: the listeners close, bulk arrives whole, the rest is cut at the deadline. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { RunningLb } from "../support/lb.ts";
import {
  assertPayload,
  numberBytes,
  payload,
  readNumber,
  readToEnd,
  Target,
  writeAll,
} from "../support/peers.ts";
import { soak, times } from "../support/soak.ts";
import { echo, Target as EchoTarget } from "../support/target.ts";
import { becomesClosed, fronts } from "./fronts.ts";

const MiB = 1024 * 1024;
const transfers = times({ short: 4, long: 50 });
const bytes = times({ short: 8, long: 100 }) * MiB;
const idle = times({ short: 40, long: 500 });
const deadlineSeconds = times({ short: 8, long: 60 });
const spreadSeconds = times({ short: 1, long: 5 });

Deno.test(`TERM with ${transfers} transfers of ${bytes / MiB} MiB and ${idle} idle sessions: bulk arrives whole, the idle are cut, and both are counted`, async () => {
  const release = Promise.withResolvers<void>();
  let begun = 0;
  // Each sends half of what it has before TERM, the rest behind it.
  await using bulk = new Target(async (conn) => {
    const number = await readNumber(conn);
    let sent = 0;
    for (const piece of payload(number, bytes)) {
      await writeAll(conn, piece);
      sent += piece.length;
      if (sent !== bytes / 2) continue;
      begun++;
      await release.promise;
    }
    await conn.closeWrite();
  });
  await using quiet = new EchoTarget(echo);
  await using lb = await RunningLb.start(fronts({
    listeners: { web: ["127.0.0.1:0", "idle"], bulk: ["127.0.0.1:0", "bulk"] },
    pools: { idle: [quiet], bulk: [bulk] },
    process: { drain: { deadline: `${deadlineSeconds}s`, closeSpread: `${spreadSeconds}s` } },
  }));
  const clients = await Promise.all(Array.from({ length: idle }, () => Client.served(lb.port())));
  const downloads = Array.from({ length: transfers }, (_, index) => download(lb.port("bulk"), index));
  await eventually("each transfer is under way", () => begun === transfers);

  const toldAt = performance.now();
  lb.kill("SIGTERM");
  await lb.line(({ message }) =>
    message === `draining: no new sessions, ${idle + transfers} open ones end, ` +
        `cut from ${deadlineSeconds === 60 ? "1m" : `${deadlineSeconds}s`} on, over ${spreadSeconds}s`
  );
  await becomesClosed(lb.port());
  release.resolve();

  await Promise.all(downloads);
  const rests = await Promise.all(clients.map((client) => client.untilCut()));
  assert.deepEqual(new Set(rests), new Set([""]));
  assert.equal(await lb.ended(), 0);
  const seconds = (performance.now() - toldAt) / 1_000;
  // Only where the machine has nothing else to do.
  if (soak) assert.ok(seconds <= deadlineSeconds + spreadSeconds + 1, `${seconds} s until the exit`);

  const ofIdle = lb.records.filter(({ pool, bytes }) => pool === "idle" && received(bytes) > 0);
  assert.deepEqual(ofIdle.map(({ reason }) => reason), Array(idle).fill("drain_deadline"));
  const cutAt = ofIdle.map(({ time }) => Date.parse(time));
  const spreadMs = Math.max(...cutAt) - Math.min(...cutAt);
  assert.ok(spreadMs >= spreadSeconds * 500, `all were cut within ${spreadMs} ms`);
  const [drained, stopped] = lb.lines.slice(-2);
  assert.match(String(drained?.message), new RegExp(`^drained: \\d+ sessions ended, ${idle} were cut`));
  // Whoever asked whether the listeners are closed may have been let in just before.
  assert.ok(Number(drained?.["ended"]) >= transfers);
  assert.equal(stopped?.message, "stopped");
  for (const client of clients) client[Symbol.dispose]();
});

Deno.test("at the deadline those sessions are cut first that have been quiet longest, not the oldest", async () => {
  await using target = new EchoTarget(echo);
  await using lb = await RunningLb.start(fronts({
    listeners: { web: ["127.0.0.1:0", "app"] },
    pools: { app: [target] },
    // One thread, for each goes by its own sessions.
    process: { workers: 1, drain: { deadline: "200ms", closeSpread: "400ms" } },
  }));
  const clients: Client[] = [];
  for (let count = 0; count < 6; count++) clients.push(await Client.served(lb.port()));
  const order = [4, 1, 5, 0, 3, 2].map((index) => clients[index]!);
  for (const client of order) await client.say("one after the other");

  lb.kill("SIGTERM");
  await Promise.all(clients.map((client) => client.untilCut()));
  assert.equal(await lb.ended(), 0);
  assert.deepEqual(
    lb.records.map(({ client }) => client),
    order.map(({ conn }) => `127.0.0.1:${conn.localAddr.port}`),
  );
  for (const client of clients) client[Symbol.dispose]();
});

/** Asks for a payload, and fails unless it arrives whole. */
async function download(port: number, number: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, numberBytes(number));
  assertPayload(await readToEnd(conn), number, bytes);
}

function received(bytes: unknown): number {
  return (bytes as { readonly received: number }).received;
}
