import assert from "node:assert/strict";
import { arrivalsMs } from "./arrivals.ts";
import { fixedRatePerS } from "./fixed_rate.ts";
import type { Sample } from "./samples.ts";
import type { ServerName } from "./server_names.ts";

function throughput(perS: { readonly [server: string]: number }): Sample[] {
  return Object.entries(perS).map(([server, requestsPerS]) => ({
    workload: "small",
    server: server as ServerName,
    round: 1,
    values: { requestsPerS },
    problems: [],
  }));
}

Deno.test("requests come at the rate that was asked for, in order, within the time", () => {
  const times = arrivalsMs({ perS: 10_000, seconds: 2, seed: 1 });
  assert(Math.abs(times.length - 20_000) < 600, `${times.length}`);
  assert(times.every((atMs, index) => atMs < 2000 && atMs >= (times[index - 1] ?? 0)));
});

Deno.test("the gaps between requests vary as those of independent clients do", () => {
  const times = arrivalsMs({ perS: 1000, seconds: 20, seed: 7 });
  const gaps = [...times].map((atMs, index) => atMs - (times[index - 1] ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  // An exponential distribution's deviation is its mean.
  assert(Math.abs(Math.sqrt(variance) / mean - 1) < 0.05);
});

Deno.test("the same seed gives everybody the same load, another one another", () => {
  const load = { perS: 100, seconds: 1 };
  assert.deepEqual(arrivalsMs({ ...load, seed: 3 }), arrivalsMs({ ...load, seed: 3 }));
  assert.notDeepEqual(arrivalsMs({ ...load, seed: 3 }), arrivalsMs({ ...load, seed: 4 }));
});

Deno.test("the fixed load is 60 % of the slowest contender, each peer at its best", () => {
  const samples = throughput({
    "lb-linux": 1000,
    "lb-portable": 10,
    haproxy: 800,
    "haproxy-tuned": 500,
    nginx: 900,
  });
  assert.equal(fixedRatePerS(samples), 480);
});

Deno.test("where no contender was measured, whoever was sets the fixed load", () => {
  assert.equal(fixedRatePerS(throughput({ direct: 500, "lb-portable": 100 })), 60);
  assert.throws(() => fixedRatePerS([]), /no throughput/);
});
