import assert from "node:assert/strict";
import { testWith } from "../support/needs.ts";
import { Target, writeAll } from "../support/target.ts";
import { IdleSessions } from "./idle_sessions.ts";
import { openLeg } from "./leg.ts";

const count = 120;
const answer = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");
const needs = { programs: ["setsid"] };

/** Answers so many requests on each connection, then closes it. */
function server({ answers }: { answers: number }): Target {
  return new Target(async (conn) => {
    for (let answered = 0; answered < answers; answered++) {
      if (await conn.read(new Uint8Array(1024)) === null) return;
      await writeAll(conn, answer);
    }
  });
}

function sessionsOn(target: Target): IdleSessions {
  return new IdleSessions(openLeg("loopback").client, {
    address: "127.0.0.1",
    port: Number(target.address.split(":")[1]),
    count,
  });
}

testWith(needs, "idle sessions are held until they are asked again, and all of them answer", async () => {
  await using target = server({ answers: Infinity });
  await using sessions = sessionsOn(target);
  await sessions.open();
  assert.equal(target.open, count);
  assert.equal(await sessions.alive(), count);
});

testWith(needs, "sessions that a server has ended meanwhile are not counted as alive", async () => {
  await using target = server({ answers: 1 });
  await using sessions = sessionsOn(target);
  await sessions.open();
  assert.equal(await sessions.alive(), 0);
});

testWith(needs, "a server that does not serve is named", async () => {
  await using target = server({ answers: 0 });
  await using sessions = sessionsOn(target);
  await assert.rejects(sessions.open(), new RegExp(`${target.address}|reset`));
});
