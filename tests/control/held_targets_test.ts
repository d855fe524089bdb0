import assert from "node:assert/strict";
import { HeldTargets } from "../../lib/control/held_targets.ts";
import { FakeClock } from "../health/support/fake_clock.ts";

function world() {
  const clock = new FakeClock();
  const queued = [0, 0];
  const awaited: string[] = [];
  const held = new HeldTargets({
    clock,
    queuedOf: (poolSlot) => queued[poolSlot]!,
    onAwaited: (key) => void awaited.push(key),
  });
  return { clock, queued, awaited, held };
}

Deno.test("a target that is down is asked for again and again while clients of its pool wait", async () => {
  const { clock, queued, awaited, held } = world();
  held.add("a", 0);
  held.add("b", 1);
  await clock.advance(1_000);
  assert.deepEqual(awaited, []);
  queued[1] = 3;
  await clock.advance(400);
  assert.deepEqual(awaited, ["b", "b"]);
  queued[1] = 0;
  await clock.advance(1_000);
  assert.equal(awaited.length, 2);
  held.clear();
});

Deno.test("without a target that is down there is no timer", async () => {
  const { clock, queued, awaited, held } = world();
  queued[0] = 1;
  held.add("a", 0);
  held.add("b", 0);
  held.remove("b");
  assert.equal(clock.waiting, 1);
  held.remove("a");
  assert.equal(clock.waiting, 0);
  held.add("a", 0);
  held.clear();
  assert.equal(clock.waiting, 0);
  await clock.advance(1_000);
  assert.deepEqual(awaited, []);
});
