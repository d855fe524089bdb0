import assert from "node:assert/strict";
import fc from "fast-check";
import { Schedule, type Scheduled } from "../../lib/health/schedule.ts";

type Step = { readonly kind: "set" | "delete"; readonly item: number; readonly dueAt: number };

Deno.test("after any changes a schedule gives its items in order of time", () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom("set", "set", "delete"),
    item: fc.nat(20),
    dueAt: fc.nat(50),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const schedule = new Schedule<Scheduled>();
    const items = Array.from({ length: 21 }, () => ({ dueAt: 0, heapIndex: -1 }));
    const model = new Map<Scheduled, number>();
    for (const { kind, item, dueAt } of steps) {
      const chosen = items[item]!;
      if (kind === "set") {
        schedule.set(chosen, dueAt);
        model.set(chosen, dueAt);
      } else {
        schedule.delete(chosen);
        model.delete(chosen);
      }
      assert.equal(schedule.first()?.dueAt, model.size === 0 ? undefined : Math.min(...model.values()));
    }
    const order: number[] = [];
    for (let first = schedule.first(); first !== undefined; first = schedule.first()) {
      order.push(first.dueAt);
      schedule.delete(first);
      assert.equal(first.heapIndex, -1);
    }
    assert.deepEqual(order, [...model.values()].sort((a, b) => a - b));
  }));
});
