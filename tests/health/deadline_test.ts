import assert from "node:assert/strict";
import type { Clock } from "../../lib/health/clock.ts";
import { deadline } from "../../lib/health/deadline.ts";
import { probe } from "../../lib/health/probe.ts";
import { loopback, serve, untilClosed } from "./support/servers.ts";
import { http } from "./support/specs.ts";

/** Each sleep comes back as much too late as the list says, after it as its last entry says. */
function stalling(...lateMs: readonly number[]): Clock {
  let now = 0;
  let sleeps = 0;
  return {
    now: () => now,
    sleep: (ms) => {
      now += ms + (lateMs[Math.min(sleeps++, lateMs.length - 1)] ?? 0);
      return Promise.resolve();
    },
  };
}

const signal = new AbortController().signal;

Deno.test("a running process reaches the deadline after the timeout", async () => {
  const clock = stalling(0);
  assert.equal(await deadline(1000, { clock, signal }), "timeout");
  assert.equal(clock.now(), 1000);
});

Deno.test("a stall is not charged to the target", async () => {
  const clock = stalling(0, 0, 1500, 0);
  assert.equal(await deadline(1000, { clock, signal }), "timeout");
  assert.ok(clock.now() > 2500);
});

Deno.test("a process stopped for long, or starved throughout, is starved", async () => {
  assert.equal(await deadline(1000, { clock: stalling(30_000), signal }), "starved");
  assert.equal(await deadline(1000, { clock: stalling(200), signal }), "starved");
});

Deno.test("a probe whose own timers were late is inconclusive", async () => {
  await using server = serve(untilClosed);
  const result = await probe(http(), loopback(server.port), {
    signal,
    clock: stalling(5000),
  });
  assert.deepEqual([result.outcome, result.detail], ["inconclusive", "this process got no processor time"]);
});
