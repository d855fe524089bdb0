import assert from "node:assert/strict";
import { type TargetRow, TargetRows } from "../../lib/control/target_rows.ts";
import { stateBits, type TargetConditions } from "../../lib/pool/target_state.ts";
import { allocateMemory } from "../../lib/shared/layout.ts";
import { sharedViews } from "../../lib/shared/shared.ts";

const up: TargetConditions = { verdict: "up", ejection: "none", override: undefined };

function row(slot: number, poolSlot: number, traits: Partial<TargetRow> = {}): TargetRow {
  return { slot, poolSlot, conditions: up, weight: 1, ...traits };
}

function world() {
  const shared = sharedViews(allocateMemory(1, { slots: 8, pools: 3 }));
  const epochs = () => [0, 1, 2].map((slot) => shared.pools.epoch(slot));
  return { shared, epochs, states: new TargetRows(shared) };
}

Deno.test("what is known of targets is written as one word each, and the epoch of each pool that has changed moves once", () => {
  const { shared, epochs, states } = world();
  states.write([
    row(1, 0),
    row(2, 0, { conditions: { ...up, ejection: "ejected" } }),
    row(3, 2, { weight: 0.5 }),
  ]);
  assert.deepEqual([1, 2, 3].map((slot) => shared.targets.state(slot)), [
    stateBits.up,
    stateBits.up | stateBits.ejected,
    stateBits.up,
  ]);
  assert.equal(shared.targets.weight(3), 0.5);
  assert.deepEqual(epochs(), [1, 0, 1]);
});

Deno.test("writing what is there already moves no epoch", () => {
  const { epochs, states } = world();
  states.write([row(1, 0), row(3, 2)]);
  states.write([row(1, 0), row(3, 2, { weight: 2 })]);
  assert.deepEqual(epochs(), [1, 0, 2]);
});

Deno.test("the words are written before the epoch moves: whoever has seen the new epoch sees the new words", () => {
  const { shared } = world();
  const order: string[] = [];
  const states = new TargetRows({
    targets: Object.assign(Object.create(null), {
      set: (slot: number) => order.push(`target ${slot}`) > 0,
    }),
    pools: Object.assign(Object.create(null), {
      advanceEpoch: (slot: number) => void order.push(`epoch ${slot}`),
    }),
  });
  states.write([row(1, 0), row(2, 1), row(3, 0)]);
  assert.deepEqual(order, ["target 1", "target 2", "target 3", "epoch 0", "epoch 1"]);
  assert.equal(shared.pools.epoch(0), 0);
});
