import { Pool, type PoolSpec } from "../../lib/pool/pool.ts";
import type { SharedMemory } from "../../lib/shared/layout.ts";
import { sharedViews } from "../../lib/shared/shared.ts";
import { seededRandom } from "./pool_fixture.ts";

/** What one worker does: `takes` times take a permit, holding up to `holds` at once; `gate` opens at `workers`. */
export interface Job {
  readonly memory: SharedMemory;
  readonly spec: PoolSpec;
  readonly seed: number;
  readonly takes: number;
  readonly holds: number;
  readonly gate: Int32Array;
  readonly workers: number;
  /** Permits held at the moment by target slot, counted over all workers apart from the state under test. */
  readonly held: Int32Array;
}

/** Takes by target slot, the most permits ever held there, answers that all was full, and permits above a limit. */
export interface Outcome {
  readonly taken: number[];
  readonly peak: number[];
  readonly full: number;
  readonly exceeded: number;
}

globalThis.addEventListener("message", (event) => {
  const job = (event as MessageEvent<Job>).data;
  const [port] = (event as MessageEvent<Job>).ports;
  port!.postMessage(run(job));
  globalThis.close();
});

function run({ memory, spec, seed, takes, holds, gate, workers, held }: Job): Outcome {
  const pool = new Pool(spec, { shared: sharedViews(memory), random: seededRandom(seed) });
  const outcome = { taken: spec.targets.map(() => 0), peak: spec.targets.map(() => 0), full: 0, exceeded: 0 };
  const holding: typeof spec.targets[number][] = [];
  const letGo = () => {
    const target = holding.shift()!;
    Atomics.sub(held, target.slot, 1);
    pool.release(target);
  };
  waitForAll(gate, workers);
  for (let i = 0; i < takes; i++) {
    const picked = pool.take({ client: { remoteHost: `192.0.2.${i % 256}` }, tried: [] });
    if (picked.kind === "none") {
      outcome.full++;
    } else {
      const { slot, maxConnections } = picked.target;
      const now = Atomics.add(held, slot, 1) + 1;
      outcome.taken[slot]!++;
      outcome.peak[slot] = Math.max(outcome.peak[slot]!, now);
      if (now > maxConnections) outcome.exceeded++;
      holding.push(picked.target);
    }
    if (holding.length > holds || (picked.kind === "none" && holding.length > 0)) letGo();
  }
  while (holding.length > 0) letGo();
  return outcome;
}

function waitForAll(gate: Int32Array, workers: number): void {
  if (Atomics.add(gate, 0, 1) + 1 === workers) Atomics.notify(gate, 0);
  for (let seen = Atomics.load(gate, 0); seen < workers; seen = Atomics.load(gate, 0)) {
    Atomics.wait(gate, 0, seen);
  }
}
