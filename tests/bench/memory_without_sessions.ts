/**
 * Where the memory of a balancer without a session goes: resident memory of programs each of which has one thing more.
 *
 *     deno run -A tests/bench/memory_without_sessions.ts [--runs N]
 */
import { parseArgs } from "node:util";
import { startWords } from "../support/start_task.ts";
import { median } from "./statistics.ts";

/** How long a program is left alone before it is measured. */
const quietMs = 1_500;

const root = new URL("../../", import.meta.url).href;
const idle = "setInterval(() => {}, 1e6);";
const emptyWorker = `new Worker("data:text/javascript,onmessage=()=>{}", { type: "module" });`;

interface Step {
  readonly what: string;
  /** The program, or how many workers a whole lb has. */
  readonly run: { readonly script: string } | { readonly workers: number };
}

const steps: readonly Step[] = [
  { what: "Deno with an empty program", run: { script: idle } },
  { what: "the same, and one empty thread", run: { script: emptyWorker + idle } },
  { what: "the same, and two empty threads", run: { script: emptyWorker + emptyWorker + idle } },
  {
    what: "lb's modules on the main thread alone",
    run: { script: `import "${root}lib/cli/main.ts"; ${idle}` },
  },
  { what: "lb with one data-plane thread", run: { workers: 1 } },
  { what: "lb with two", run: { workers: 2 } },
  { what: "lb with three", run: { workers: 3 } },
];

const config = (workers: number) =>
  `process: { workers: ${workers} }
listeners: { web: { bind: "127.0.0.1:0", pool: app } }
pools: { app: { targets: ["127.0.0.1:9"], health: none } }
`;

interface Memory {
  readonly residentMiB: number;
  /** Written, and shared with no other process. */
  readonly privateMiB: number;
}

async function measure({ run }: Step): Promise<Memory> {
  const folder = await Deno.makeTempDir({ prefix: "lb-memory-" });
  const [name, text] = "script" in run ? ["program.ts", run.script] : ["lb.yaml", config(run.workers)];
  const path = `${folder}/${name}`;
  await Deno.writeTextFile(path, text);
  const words = "script" in run
    ? [Deno.execPath(), "run", "--config", new URL("deno.json", root).pathname, "--no-check", "-A", path]
    : [...startWords("linux"), "run", "-c", path];
  const child = new Deno.Command(words[0]!, { args: words.slice(1), stdin: "null", stdout: "null" }).spawn();
  try {
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    const text = await Deno.readTextFile(`/proc/${child.pid}/smaps_rollup`);
    const mib = (key: string) => Number(new RegExp(`^${key}: +(\\d+) kB`, "m").exec(text)?.[1]) / 1_024;
    return { residentMiB: mib("Rss"), privateMiB: mib("Private_Dirty") };
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ args: Deno.args, options: { runs: { type: "string", default: "3" } } });
  const lines = ["| program | resident, MiB | of it written, its own, MiB |", "| --- | ---: | ---: |"];
  for (const step of steps) {
    const runs: Memory[] = [];
    for (let run = 0; run < Number(values.runs); run++) runs.push(await measure(step));
    const of = (key: keyof Memory) => median(runs.map((each) => each[key])).toFixed(1);
    lines.push(`| ${step.what} | ${of("residentMiB")} | ${of("privateMiB")} |`);
  }
  Deno.stdout.writeSync(new TextEncoder().encode(`${lines.join("\n")}\n`));
}

if (import.meta.main) await main();
