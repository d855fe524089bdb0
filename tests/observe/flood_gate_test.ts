import assert from "node:assert/strict";
import { FloodGate } from "../../lib/observe/flood_gate.ts";
import { eventually } from "../support/eventually.ts";

type HeldBack = [kind: string, count: number];

function gate(perSecond: number): { gate: FloodGate; heldBack: HeldBack[] } {
  const heldBack: HeldBack[] = [];
  return { gate: new FloodGate({ perSecond, onHeldBack: (...args) => heldBack.push(args) }), heldBack };
}

function admitted(gate: FloodGate, kinds: readonly string[]): string[] {
  return kinds.filter((kind) => gate.admit(kind));
}

Deno.test("so many lines of a kind pass, and closing tells how many did not", () => {
  const { gate: flood, heldBack } = gate(3);
  assert.equal(admitted(flood, Array(10).fill("a")).length, 3);
  assert.deepEqual(heldBack, []);
  flood[Symbol.dispose]();
  assert.deepEqual(heldBack, [["a", 7]]);
});

Deno.test("each kind has its own allowance", () => {
  const { gate: flood, heldBack } = gate(1);
  assert.deepEqual(admitted(flood, ["a", "b", "a", "b", "b", "c"]), ["a", "b", "c"]);
  flood[Symbol.dispose]();
  assert.deepEqual(heldBack, [["a", 1], ["b", 2]]);
});

Deno.test("a kind that stays within its allowance is not summed up", () => {
  const { gate: flood, heldBack } = gate(2);
  admitted(flood, ["a", "a", "b"]);
  flood[Symbol.dispose]();
  assert.deepEqual(heldBack, []);
});

Deno.test("a gate that let nothing be asked closes without a word, and closes twice", () => {
  const { gate: flood, heldBack } = gate(1);
  flood[Symbol.dispose]();
  flood[Symbol.dispose]();
  assert.deepEqual(heldBack, []);
});

Deno.test("after its second the rest is summed up once, and a new allowance begins", async () => {
  const { gate: flood, heldBack } = gate(2);
  admitted(flood, Array(5).fill("a"));
  await eventually("the second is over", () => heldBack.length > 0);
  assert.deepEqual(heldBack, [["a", 3]]);
  assert.equal(admitted(flood, Array(3).fill("a")).length, 2);
  flood[Symbol.dispose]();
  assert.deepEqual(heldBack, [["a", 3], ["a", 1]]);
});
