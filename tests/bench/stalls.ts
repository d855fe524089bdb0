/**
 * For how long a reload makes a thread stand still: 100 sourceHash pools of 20 targets each get other targets.
 *
 *     deno run --allow-all tests/bench/stalls.ts [--pools 100] [--targets 20] [--rounds 5]
 *
 * Prints for each round the longest time that the event loop of the control plane, and of each of two data-plane threads, did
 * not run, with the same time without a reload beside it: what the machine itself adds. The threads run the portable engine,
 * whose event loop has timers.
 */
import { parseArgs } from "node:util";
import { loadConfig } from "../../lib/config/load.ts";
import { Balancer } from "../../lib/control/balancer.ts";
import type { Config } from "../../lib/config/config.ts";
import { pauseMs } from "./process.ts";

const { values } = parseArgs({
  options: {
    pools: { type: "string", default: "100" },
    targets: { type: "string", default: "20" },
    rounds: { type: "string", default: "5" },
  },
});
const [poolCount, targetCount, rounds] = [values.pools, values.targets, values.rounds].map(Number) as [
  number,
  number,
  number,
];

/** A configuration whose every pool differs between two generations. */
function configOf(generation: number): Config {
  const pools = Array.from({ length: poolCount }, (_, pool) => {
    const targets = Array.from(
      { length: targetCount },
      (_, target) => `"10.${generation}.${pool}.${target}:80"`,
    );
    return `  p${pool}: { algorithm: sourceHash, health: none, targets: [${targets.join(", ")}] }`;
  });
  const listeners = Array.from(
    { length: poolCount },
    (_, pool) => `  l${pool}: { bind: "127.0.0.1:0", pool: p${pool} }`,
  );
  const text = `process: { engine: portable, workers: 2 }\nadmin: none\nlisteners:\n${
    listeners.join("\n")
  }\npools:\n${pools.join("\n")}\n`;
  const loaded = loadConfig(text, { file: "stalls", env: () => undefined });
  if ("diagnostics" in loaded) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.config;
}

/** Measures the longest gap between two turns of this thread's event loop until it is asked. */
function ownGap(): () => number {
  let [worst, last] = [0, performance.now()];
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last);
    last = now;
  }, 1);
  return () => {
    clearInterval(timer);
    return worst;
  };
}

const channel = new BroadcastChannel("stalls");

/** The longest gap of each data-plane thread since it was asked before. */
async function threadGaps(): Promise<number[]> {
  const gaps: number[] = [];
  const both = new Promise<void>((resolve) => {
    channel.onmessage = ({ data }) => {
      if (gaps.push(data.worst) === 2) resolve();
    };
  });
  channel.postMessage("ask");
  await both;
  return gaps;
}

async function gapsDuring(work: () => Promise<unknown>): Promise<string> {
  await threadGaps();
  const gap = ownGap();
  await work();
  await pauseMs(300);
  const own = gap();
  return [own, ...await threadGaps()].map((ms) => ms.toFixed(1).padStart(6)).join(" ");
}

const threadModule = new URL("./stalled_thread.ts", import.meta.url);
const balancer = new Balancer({ config: configOf(0), threadModule, onEvent: () => {} });
await balancer.start();
const lines = [`ms        control thread0 thread1   control thread0 thread1 (no reload)`];
for (let round = 1; round <= rounds; round++) {
  const config = configOf(round % 2);
  const reloading = await gapsDuring(() => balancer.reload(config));
  const resting = await gapsDuring(() => pauseMs(300));
  lines.push(`round ${round}   ${reloading}   ${resting}`);
}
await balancer.stop();
channel.close();
await Deno.stdout.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
