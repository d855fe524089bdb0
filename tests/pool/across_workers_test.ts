import assert from "node:assert/strict";
import { algorithms } from "../../lib/pool/algorithms.ts";
import type { AlgorithmName } from "../../lib/values/words.ts";
import { allocateMemory, type SharedMemory } from "../../lib/shared/layout.ts";
import { sharedViews } from "../../lib/shared/shared.ts";
import { specOf, target, type TestTarget, weighted, writeStates } from "./pool_fixture.ts";
import type { Job, Outcome } from "./take_worker.ts";

interface Plan {
  readonly workers: number;
  readonly takes: number;
  readonly holds: number;
}

async function runWorkers(
  algorithm: AlgorithmName,
  targets: readonly TestTarget[],
  plan: Plan,
): Promise<Totals> {
  const memory = allocateMemory(0, { slots: targets.length, pools: 1 });
  writeStates(sharedViews(memory), targets);
  const shared = {
    memory,
    spec: specOf(algorithm, targets),
    gate: new Int32Array(new SharedArrayBuffer(4)),
    held: new Int32Array(new SharedArrayBuffer(4 * targets.length)),
  };
  const outcomes = await Promise.all(
    Array.from({ length: plan.workers }, (_, seed) => runWorker({ ...shared, ...plan, seed })),
  );
  return totals(outcomes, memory);
}

function runWorker(job: Job): Promise<Outcome> {
  const worker = new Worker(new URL("./take_worker.ts", import.meta.url), { type: "module" });
  const { port1, port2 } = new MessageChannel();
  return new Promise<Outcome>((resolve, reject) => {
    port1.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(job, [port2]);
  }).finally(() => {
    port1.close();
    worker.terminate();
  });
}

interface Totals {
  readonly taken: number[];
  readonly peak: number[];
  readonly full: number;
  readonly exceeded: number;
  readonly stillOpen: number[];
}

function totals(outcomes: readonly Outcome[], memory: SharedMemory): Totals {
  const slots = [...memory.permits.keys()];
  return {
    taken: slots.map((slot) => outcomes.reduce((sum, { taken }) => sum + taken[slot]!, 0)),
    peak: slots.map((slot) => Math.max(...outcomes.map(({ peak }) => peak[slot]!))),
    full: outcomes.reduce((sum, { full }) => sum + full, 0),
    exceeded: outcomes.reduce((sum, { exceeded }) => sum + exceeded, 0),
    stillOpen: [...memory.permits],
  };
}

for (const algorithm of Object.keys(algorithms) as AlgorithmName[]) {
  Deno.test(`${algorithm} never exceeds maxConnections with four workers at once`, async () => {
    const targets = [1, 2, 3].map((maxConnections, slot) => target(`t${slot}`, slot, { maxConnections }));
    const { taken, peak, full, exceeded, stillOpen } = await runWorkers(algorithm, targets, {
      workers: 4,
      takes: 20_000,
      holds: 6,
    });
    assert.equal(exceeded, 0);
    assert.deepEqual(peak, [1, 2, 3], "every permit was in use at some time");
    assert.deepEqual(stillOpen, [0, 0, 0]);
    assert.ok(full > 0, "the limits were reached");
    assert.equal(taken[0]! + taken[1]! + taken[2]! + full, 80_000);
  });
}

Deno.test("roundRobin counts of equal weights differ by at most one over two workers with 10,000 takes each", async () => {
  const { taken } = await runWorkers("roundRobin", weighted(1, 1, 1), {
    workers: 2,
    takes: 10_000,
    holds: 0,
  });
  assert.equal(taken.reduce((sum, count) => sum + count), 20_000);
  assert.ok(Math.max(...taken) - Math.min(...taken) <= 1, `${taken}`);
});

Deno.test("roundRobin counts of weights 5, 1, 1 are exact over four workers", async () => {
  const { taken } = await runWorkers("roundRobin", weighted(5, 1, 1), { workers: 4, takes: 7_000, holds: 0 });
  assert.deepEqual(taken, [20_000, 4_000, 4_000]);
});
