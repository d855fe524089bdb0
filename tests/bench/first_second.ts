/**
 * The first second of a balancer: how long from its start to the first request that is served, and how much longer the first
 * client of a warm-started thread waits than those after it.
 *
 *     deno run -A tests/bench/first_second.ts [--runs N] [--engine linux|portable] [BINARY | .../main.ts]...
 */
import { parseArgs } from "node:util";
import { echo, Target } from "../support/target.ts";
import { startWords } from "../support/start_task.ts";
import { median } from "./statistics.ts";

/** So many clients come after the first, one after the other. */
const laterClients = 50;

/** How long a balancer that has started is left alone before its first client. */
const quietMs = 300;

/** What one start has shown, in milliseconds. */
interface FirstSecond {
  /** From the start of the process to the answer of a client that tries again and again. */
  readonly servedMs: number;
  /** In another process, of one thread: the first client's wait, and the median of the later ones'. */
  readonly firstMs: number;
  readonly laterMs: number;
}

/** Connects, says a word and waits for its echo; how long all of it has taken. */
async function request(port: number): Promise<number> {
  const startedAt = performance.now();
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new Uint8Array(100));
  for (let left = 100; left > 0;) {
    const size = await conn.read(new Uint8Array(left));
    if (size === null) throw new Deno.errors.ConnectionReset("cut");
    left -= size;
  }
  return performance.now() - startedAt;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

interface Contender {
  readonly name: string;
  readonly words: readonly string[];
}

/** Runs lb in front of a target while `use` does something. */
async function withLb<T>(
  { words }: Contender,
  { target, workers }: { readonly target: Target; readonly workers: string },
  use: (port: number, lb: Deno.ChildProcess) => Promise<T>,
): Promise<T> {
  const port = freePort();
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(
    file,
    `process: { workers: ${workers} }
listeners: { web: { bind: "127.0.0.1:${port}", pool: app } }
pools: { app: { targets: ["${target.address}"], health: none } }
`,
  );
  const [command, ...args] = [...words, "run", "-c", file];
  const lb = new Deno.Command(command!, { args, stdin: "null", stdout: "piped" }).spawn();
  try {
    const ended = lb.status.then(({ code }) => {
      throw new Error(`lb has ended with exit code ${code}`);
    });
    return await Promise.race([use(port, lb), ended]);
  } finally {
    try {
      lb.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await Promise.all([lb.stdout.cancel().catch(() => {}), lb.status, Deno.remove(file)]);
  }
}

async function firstServed(port: number, startedAt: number): Promise<number> {
  for (;;) {
    try {
      await request(port);
      return performance.now() - startedAt;
    } catch (error) {
      const isEarly = error instanceof Deno.errors.ConnectionRefused ||
        error instanceof Deno.errors.ConnectionReset;
      if (!isEarly) throw error;
      // Not all the time: the machine is to start lb meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Resolves once the log has told of the pools, the last thing of a start. */
async function started(lb: Deno.ChildProcess): Promise<void> {
  const reader = lb.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !text.includes("algorithm");) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`lb has ended: ${text}`);
    text += value;
  }
  reader.releaseLock();
}

async function measure(contender: Contender, target: Target): Promise<FirstSecond> {
  const startedAt = performance.now();
  const servedMs = await withLb(
    contender,
    { target, workers: "auto" },
    (port) => firstServed(port, startedAt),
  );
  return await withLb(contender, { target, workers: "1" }, async (port, lb) => {
    await started(lb);
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    const firstMs = await request(port);
    const later: number[] = [];
    for (let count = 0; count < laterClients; count++) later.push(await request(port));
    return { servedMs, firstMs, laterMs: median(later) };
  });
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: { runs: { type: "string", default: "10" }, engine: { type: "string", default: "linux" } },
  });
  const engine = values.engine === "portable" ? "portable" : "linux";
  const contenders: Contender[] = [
    { name: `source, ${engine}`, words: startWords(engine) },
    ...positionals.map((path) => ({
      name: path,
      words: path.endsWith("main.ts") ? startWords(engine, path.slice(0, -"main.ts".length)) : [path],
    })),
  ];
  await using target = new Target(echo);
  // This process is to be warm itself.
  for (let count = 0; count < 200; count++) await request(Number(target.address.split(":")[1]));
  const results = new Map(contenders.map(({ name }) => [name, [] as FirstSecond[]]));
  for (let run = 0; run < Number(values.runs); run++) {
    for (const contender of contenders) results.get(contender.name)!.push(await measure(contender, target));
  }
  const rows = [...results].map(([name, runs]) => {
    const of = (figure: (run: FirstSecond) => number) => median(runs.map(figure)).toFixed(1);
    const most = Math.max(...runs.map(({ servedMs }) => servedMs)).toFixed(0);
    const cells = [
      `${of(({ servedMs }) => servedMs)} (most ${most})`,
      of(({ firstMs }) => firstMs),
      of(({ laterMs }) => laterMs),
    ];
    return `| ${name} | ${cells.join(" | ")} | ${of(({ firstMs, laterMs }) => firstMs / laterMs)} |`;
  });
  const head = "| | start to first served, ms | first client, ms | later clients, ms | first / later |";
  const table = [head, "| --- | ---: | ---: | ---: | ---: |", ...rows].join("\n");
  Deno.stdout.writeSync(new TextEncoder().encode(`${table}\n`));
}

if (import.meta.main) await main();
