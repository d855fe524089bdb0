/** How long a pool takes to choose a target and to take and give back a permit. */
import { algorithms } from "../../../lib/pool/algorithms.ts";
import type { AlgorithmName } from "../../../lib/values/words.ts";
import { poolOf, weighted } from "../../pool/pool_fixture.ts";

for (const count of [3, 100]) {
  for (const algorithm of Object.keys(algorithms) as AlgorithmName[]) {
    const pool = poolOf(algorithm, weighted(...Array.from({ length: count }, () => 1)));
    let client = 0;
    Deno.bench({
      name: algorithm,
      group: `take and release, ${count} targets`,
      baseline: algorithm === "roundRobin",
      fn() {
        const picked = pool.take({ client: { remoteHost: clients[client++ & 255]! }, tried: [] });
        if (picked.kind === "target") pool.release(picked.target);
      },
    });
  }
}

const clients = Array.from({ length: 256 }, (_, last) => `192.0.2.${last}`);
