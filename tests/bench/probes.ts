/**
 * What health checks cost: thousands of targets, each an address of its own on the loopback, probed by one Monitor.
 *
 *     deno run --allow-all tests/bench/probes.ts [--targets 4000] [--interval 2000] [--check http] [--seconds 20]
 *
 * Prints microseconds of CPU time for a probe, the share of a core, resident memory, and how many targets are up; then what a
 * probe costs when eight at a time follow each other without a pause, which spares the processor its wake-ups. The server is
 * nginx in another process. Linux only: there all of 127.0.0.0/8 is this machine.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { Monitor } from "../../lib/health/monitor.ts";
import { Prober } from "../../lib/health/prober.ts";
import type { ProbedSpec, Watched } from "../../lib/health/spec.ts";
import { pathOf } from "./programs.ts";
import { pauseMs, ServerProcess } from "./process.ts";

const { values } = parseArgs({
  options: {
    targets: { type: "string", default: "4000" },
    interval: { type: "string", default: "2000" },
    check: { type: "string", default: "http" },
    seconds: { type: "string", default: "20" },
  },
});
const targetCount = Number(values.targets);
const intervalMs = Number(values.interval);
const seconds = Number(values.seconds);
const port = 18_998;

const timing = {
  intervalMs,
  timeoutMs: 1000,
  rise: 2,
  fall: 3,
  fastIntervalMs: 500,
  downIntervalMs: 5000,
  jitter: 0.1,
  initial: "checking",
} as const;
const expect = { status: [{ from: 200, to: 299 }], body: undefined };
const specs: { readonly [check: string]: ProbedSpec } = {
  tcp: { check: "tcp", port: undefined, timing },
  http: { check: "http", host: undefined, port: undefined, path: "/health", method: "GET", expect, timing },
  url: { check: "url", url: "http://{host}:{port}/health", method: "GET", expect, timing },
};
const health = specFor(values.check);

const folder = await Deno.makeTempDir();
try {
  await using server = await startServer();
  await print(await measure(server));
  await print(await measureBackToBack());
} finally {
  await Deno.remove(folder, { recursive: true });
}

function specFor(check: string): ProbedSpec {
  const spec = specs[check];
  if (spec === undefined) throw new Error(`--check is one of ${Object.keys(specs).join(", ")}`);
  return spec;
}

async function print(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

/** Thousands of probes, eight at a time. */
async function measureBackToBack(): Promise<string> {
  using prober = new Prober();
  const { signal } = new AbortController();
  const target = { host: "127.0.0.1", port, addresses: ["127.0.0.1"] };
  const run = async (probes: number) => {
    let left = probes;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (left-- > 0) {
        const { outcome, detail } = await prober.probe(health, target, { signal });
        if (outcome !== "passed") throw new Error(detail);
      }
    }));
  };
  // Compiled and warm.
  await run(3000);
  const before = process.cpuUsage();
  const probes = 20_000;
  await run(probes);
  const { user, system } = process.cpuUsage(before);
  return `  back to back: ${((user + system) / probes).toFixed(1)} us of CPU a probe (user ${
    (user / probes).toFixed(1)
  })`;
}

async function startServer(): Promise<ServerProcess> {
  const nginx = pathOf("nginx");
  if (nginx === undefined) throw new Error("nginx is not installed");
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) =>
    `${kind}_temp_path ${folder}/${kind};`
  );
  const config = `${folder}/nginx.conf`;
  await Deno.writeTextFile(
    config,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error;
events { worker_connections 8192; }
http { access_log off; ${paths.join(" ")}
  server { listen 0.0.0.0:${port} backlog=4096; location / { return 200 "up"; } } }`,
  );
  const command = [nginx, "-c", config, "-p", folder];
  const server = new ServerProcess({
    name: "nginx",
    command,
    host: { address: "127.0.0.1", prefix: [] },
    endpoint: { address: "0.0.0.0", port },
    stopSignal: "SIGTERM",
  });
  await server.ready();
  return server;
}

function targets(): Watched[] {
  return Array.from({ length: targetCount }, (_, i) => {
    const host = `127.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
    return { key: String(i), target: { host, port, addresses: [host] }, health };
  });
}

async function measure(server: ServerProcess): Promise<string> {
  let probes = 0;
  let passed = 0;
  const messages: string[] = [];
  await using monitor = new Monitor({
    onChange: () => {},
    onProbe: (_key, { outcome }) => {
      probes++;
      if (outcome === "passed") passed++;
    },
    onInconclusive: ({ detail }) => messages.push(`inconclusive: ${detail}`),
    onOverload: ({ wantedPerSecond, donePerSecond }) =>
      messages.push(`overload: ${Math.round(wantedPerSecond)}/s wanted, ${Math.round(donePerSecond)}/s done`),
  });
  const watched = targets();
  monitor.update(watched);
  await monitor.firstRound();
  // The first seconds are spent on compiling.
  await pauseMs(2 * intervalMs);
  const cpuBefore = process.cpuUsage();
  const serverUs = server.measureCpu();
  const startedAt = performance.now();
  const before = { probes, passed };
  await pauseMs(seconds * 1000);
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  const done = probes - before.probes;
  const up = watched.filter(({ key }) => monitor.state(key) === "up").length;
  return [
    `${targetCount} targets, check ${values.check}, every ${intervalMs} ms, for ${seconds} s:`,
    `  ${up} up, ${Math.round(done / elapsedMs * 1000)} probes/s, ${
      passed - before.passed
    } of ${done} passed`,
    `  ${((user + system) / done).toFixed(1)} us of CPU a probe (user ${(user / done).toFixed(1)}), ` +
    `${((user + system) / 1000 / elapsedMs).toFixed(3)} of a core (nginx ${
      (serverUs() / 1000 / elapsedMs).toFixed(3)
    })`,
    `  ${Math.round(Deno.memoryUsage().rss / 2 ** 20)} MiB resident`,
    ...messages.map((message) => `  ${message}`),
  ].join("\n");
}
