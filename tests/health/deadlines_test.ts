import assert from "node:assert/strict";
import type { Clock } from "../../lib/values/clock.ts";
import { Deadlines, type Expiry } from "../../lib/health/deadlines.ts";
import { Prober } from "../../lib/health/prober.ts";
import { FakeClock, stalling } from "./support/fake_clock.ts";
import { loopback, serve, untilClosed } from "./support/servers.ts";
import { http } from "./support/specs.ts";

async function outcome(clock: Clock, timeoutMs: number): Promise<Expiry> {
  using deadlines = new Deadlines(clock);
  return await new Promise((resolve) => deadlines.start(timeoutMs, resolve));
}

Deno.test("in a running process a deadline comes after its timeout", async () => {
  const clock = stalling(0);
  assert.equal(await outcome(clock, 1000), "timeout");
  assert.equal(clock.now(), 1000);
});

Deno.test("a stall is not charged", async () => {
  const clock = stalling(0, 0, 1500, 0);
  assert.equal(await outcome(clock, 1000), "timeout");
  assert.ok(clock.now() > 2500, String(clock.now()));
});

Deno.test("timers that are some milliseconds late, as they always are, are charged", async () => {
  const clock = stalling(15);
  assert.equal(await outcome(clock, 1000), "timeout");
  assert.ok(clock.now() < 1200, String(clock.now()));
});

Deno.test("a process stopped for long, or throughout, is starved", async () => {
  assert.equal(await outcome(stalling(30_000), 1000), "starved");
  assert.equal(await outcome(stalling(200), 1000), "starved");
});

Deno.test("deadlines that begin at different times, of different lengths, each come at their own time, once", async () => {
  const clock = new FakeClock();
  using deadlines = new Deadlines(clock);
  const ended: [number, number][] = [];
  const wanted: [number, number][] = [];
  for (
    const [at, timeoutMs] of [[0, 1000], [10, 100], [10, 3000], [333, 5], [900, 90], [995, 4000]] as const
  ) {
    await clock.advance(at - clock.now());
    wanted.push([timeoutMs, at + timeoutMs]);
    deadlines.start(timeoutMs, () => ended.push([timeoutMs, clock.now()]));
  }
  await clock.advance(10_000);
  const byEnd = (a: [number, number], b: [number, number]) => a[1] - b[1];
  assert.deepEqual(ended.map(([ms, at]) => [ms, Math.round(at)]), wanted.sort(byEnd));
  assert.equal(clock.waiting, 0, "without deadlines nothing ticks");
});

Deno.test("a deadline that was stopped, or whose owner was disposed of, does not come", async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const fail = () => assert.fail("it came");
  const stopped = deadlines.start(100, fail);
  assert.equal(stopped.remainingMs(), 100);
  stopped.stop();
  assert.equal(stopped.remainingMs(), 0);
  await clock.advance(50);
  deadlines.start(100, fail);
  deadlines[Symbol.dispose]();
  assert.equal(clock.waiting, 0);
  await clock.advance(1000);
});

Deno.test("many deadlines share one timer", () => {
  const clock = new FakeClock();
  using deadlines = new Deadlines(clock);
  for (let i = 0; i < 1000; i++) deadlines.start(1000 + i, () => {});
  assert.equal(clock.waiting, 1);
});

Deno.test("a probe during which the process got no processor is inconclusive", async () => {
  await using server = serve(untilClosed);
  using prober = new Prober({ clock: stalling(5000) });
  const { signal } = new AbortController();
  const result = await prober.probe(http(), loopback(server.port), { signal });
  assert.deepEqual([result.outcome, result.detail], ["inconclusive", "this process got no processor time"]);
});
