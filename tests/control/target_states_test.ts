import assert from "node:assert/strict";
import { TargetStates } from "../../lib/control/target_states.ts";
import type { HealthState } from "../../lib/health/verdict.ts";
import { allocateMemory } from "../../lib/shared/layout.ts";
import { sharedViews } from "../../lib/shared/shared.ts";
import { FakeClock } from "../health/support/fake_clock.ts";
import { modelFrom, textOf } from "./model_world.ts";

/** How often verdicts are asked for while all targets of a pool but an ejected one turn down, and what was ejected at the end. */
function turnDown(count: number) {
  const targets = Array.from({ length: count }, (_, index) => `"10.0.${index >> 8}.${index & 255}:1"`);
  const model = modelFrom(textOf({ pools: `app: { targets: [${targets.join(", ")}], hold: 20s }` }));
  const keys = model.pools[0]!.targets.map(({ key }) => key);
  const slots = new Map(keys.map((key, index) => [key, index + 1]));
  const verdicts = new Map<string, HealthState>(keys.map((key) => [key, "up"]));
  const told: string[] = [];
  let asked = 0;
  const states = new TargetStates({
    shared: sharedViews(allocateMemory(1)),
    clock: new FakeClock(),
    verdictOf: (key) => {
      asked++;
      return verdicts.get(key);
    },
    onEvent: ({ kind }) => void told.push(kind),
    onSuspect: () => {},
    queuedOf: () => 0,
    onAwaited: () => {},
  });
  states.serve(model, { slotOf: (key) => slots.get(key)!, poolSlotOf: () => 0 });
  states.report({
    type: "failing",
    targets: [{ pool: "app", target: model.pools[0]!.targets[0]!.name, failures: 5, cause: "timeout" }],
  });
  asked = 0;
  for (const key of keys.slice(1)) {
    verdicts.set(key, "down");
    states.verdictChanged({ key, to: "down" });
  }
  states.close();
  return { asked, told };
}

Deno.test("what a verdict costs does not depend on how many targets a pool has", () => {
  const [few, many] = [turnDown(10), turnDown(1_000)];
  for (const { told } of [few, many]) assert.deepEqual(told, ["ejected", "returned"]);
  const [perFew, perMany] = [few.asked / 10, many.asked / 1_000];
  assert.ok(perMany <= perFew + 1, `${perMany} questions for each target, ${perFew} in a small pool`);
});
