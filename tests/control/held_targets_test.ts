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
  held.set([{ key: "a", poolSlot: 0 }, { key: "b", poolSlot: 1 }]);
  await clock.advance(1_000);
  assert.deepEqual(awaited, []);
  queued[1] = 3;
  await clock.advance(400);
  assert.deepEqual(awaited, ["b", "b"]);
  queued[1] = 0;
  await clock.advance(1_000);
  assert.equal(awaited.length, 2);
  held.close();
});

Deno.test("without a target that is down there is no timer", async () => {
  const { clock, queued, awaited, held } = world();
  queued[0] = 1;
  held.set([{ key: "a", poolSlot: 0 }]);
  held.set([]);
  assert.equal(clock.waiting, 0);
  held.set([{ key: "a", poolSlot: 0 }]);
  held.close();
  assert.equal(clock.waiting, 0);
  await clock.advance(1_000);
  assert.deepEqual(awaited, []);
});
