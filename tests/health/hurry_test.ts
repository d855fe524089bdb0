import assert from "node:assert/strict";
import { type HealthChange, Monitor } from "../../lib/health/monitor.ts";
import type { HealthSpec, ProbeResult } from "../../lib/health/spec.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { loopback } from "./support/servers.ts";
import { tcp } from "./support/specs.ts";

type Answer = ProbeResult["outcome"];

/** A monitor of one target "a" whose probes take `probeMs` and answer what `answer` says. */
function watching({ answer, health = tcp({ jitter: 0 }), probeMs = 0 }: {
  readonly answer: (now: number) => Answer;
  readonly health?: HealthSpec;
  readonly probeMs?: number;
}) {
  const clock = new FakeClock();
  const changes: HealthChange[] = [];
  const begun: number[] = [];
  const monitor = new Monitor({
    clock,
    random: () => 0.99,
    onChange: (change) => changes.push(change),
    probe: async () => {
      begun.push(clock.now());
      const outcome = answer(clock.now());
      if (probeMs > 0) await clock.sleep(probeMs);
      return { outcome, ms: probeMs, detail: outcome, address: undefined };
    },
  });
  monitor.update([{ key: "a", target: loopback(1), health }]);
  return { clock, changes, begun, monitor };
}

Deno.test("a target that died is down after fall times fastInterval once connections to it have failed", async () => {
  const { clock, changes, begun, monitor } = watching({ answer: (now) => now < 2_100 ? "passed" : "failed" });
  await using _ = monitor;
  await clock.advance(2_100);
  monitor.hurry("a");
  await clock.advance(1_400);
  assert.deepEqual(begun, [0, 2_000, 2_500, 3_000, 3_500]);
  assert.equal(changes.at(-1)?.changedAt, 3_500);
  assert.equal(changes.at(-1)?.to, "down");
});

Deno.test("a probe is hurried to now where the last one was longer ago than fastInterval", async () => {
  const { clock, begun, monitor } = watching({ answer: () => "passed" });
  await using _ = monitor;
  await clock.advance(3_200);
  monitor.hurry("a");
  await clock.advance(0);
  assert.deepEqual(begun, [0, 2_000, 3_200]);
  // From then on as before.
  await clock.advance(2_000);
  assert.deepEqual(begun, [0, 2_000, 3_200, 5_200]);
});

Deno.test("a flood of failed connections has no target probed more often than each fastInterval", async () => {
  const { clock, begun, monitor } = watching({ answer: () => "passed", probeMs: 20 });
  await using _ = monitor;
  for (let ms = 0; ms < 5_000; ms++) {
    monitor.hurry("a");
    await clock.advance(1);
  }
  // The last probe ends, so that the monitor can.
  await clock.advance(100);
  assert.ok(begun.length >= 9, `${begun.length} probes`);
  for (const [index, at] of begun.slice(1).entries()) assert.ok(at - begun[index]! >= 500, begun.join());
});

Deno.test("a connection that fails while a probe is under way has another probe follow soon", async () => {
  const { clock, begun, monitor } = watching({ answer: () => "passed", probeMs: 100 });
  await using _ = monitor;
  await clock.advance(2_050);
  monitor.hurry("a");
  await clock.advance(2_950);
  assert.deepEqual(begun, [0, 2_000, 2_500, 4_500]);
});

Deno.test("nothing is hurried for a target that is down, not watched, not probed or being probed again anyway", async () => {
  const cases: readonly (readonly [string, Answer, HealthSpec])[] = [
    ["down", "failed", tcp({ jitter: 0 })],
    ["inconclusive", "inconclusive", tcp({ jitter: 0.5, initial: "up" })],
    ["not probed", "passed", { check: "none" }],
  ];
  for (const [name, outcome, health] of cases) {
    const hurried = watching({ answer: () => outcome, health });
    const left = watching({ answer: () => outcome, health });
    await using _ = hurried.monitor;
    await using __ = left.monitor;
    for (let step = 0; step < 40; step++) {
      hurried.monitor.hurry("a");
      hurried.monitor.hurry("nobody");
      await hurried.clock.advance(250);
      await left.clock.advance(250);
    }
    assert.deepEqual(hurried.begun, left.begun, name);
  }
});

Deno.test("a closed monitor hurries nobody", async () => {
  const { clock, begun, monitor } = watching({ answer: () => "passed" });
  await clock.advance(1_000);
  await monitor.close();
  monitor.hurry("a");
  await clock.advance(5_000);
  assert.deepEqual([begun, clock.waiting], [[0], 0]);
});

Deno.test("a target that is down is probed each fastInterval while clients wait for it, and only then", async () => {
  const { clock, changes, begun, monitor } = watching({ answer: (now) => now < 6_900 ? "failed" : "passed" });
  await using _ = monitor;
  await clock.advance(5_500);
  monitor.hurry("a");
  await clock.advance(1_000);
  assert.deepEqual(begun, [0, 5_000], "it was hurried though nobody waits");
  for (let look = 0; look < 8; look++) {
    monitor.hurry("a", { evenDown: true });
    await clock.advance(100);
  }
  assert.deepEqual(begun, [0, 5_000, 6_500, 7_000]);
  await clock.advance(500);
  assert.equal(changes.at(-1)?.to, "up");
});
