import assert from "node:assert/strict";
import { type CpuReading, cpuUsBetween, parentOf, ticksOf } from "./cpu_time.ts";

const stat =
  "4711 (a) name (with) brackets) S 4700 4711 4700 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 3 0 100 1 1";

function reading(ticks: number, threadNs?: [number, number][]): CpuReading {
  return { ticks, threadNs: threadNs === undefined ? undefined : new Map(threadNs) };
}

Deno.test("CPU ticks and the parent are found behind any process name", () => {
  assert.equal(ticksOf(stat), 200);
  assert.equal(parentOf(stat), 4700);
});

Deno.test("CPU time is the sum over the threads, new ones from their beginning", () => {
  const before = reading(0, [[1, 5_000]]);
  assert.equal(cpuUsBetween(before, reading(9, [[1, 7_000], [2, 4_000]])), 6);
});

Deno.test("a thread that has ended does not take its CPU time with it", () => {
  assert.equal(cpuUsBetween(reading(10, [[1, 0], [2, 0]]), reading(14, [[1, 9]])), 40_000);
});

Deno.test("a kernel without nanoseconds is read by ticks", () => {
  assert.equal(cpuUsBetween(reading(1), reading(3)), 20_000);
});
