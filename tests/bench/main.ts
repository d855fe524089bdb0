/** `deno task bench`: lb beside HAProxy and nginx on this machine. */
import { dirname } from "node:path";
import { definitions } from "./definitions.ts";
import { type LegName, obstacleTo, openLeg } from "./leg.ts";
import { describeMachine } from "./machine.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { missingPackages } from "./programs.ts";
import { type ReportInput, reportOf } from "./report.ts";
import { Rig } from "./rig.ts";
import { type LegResults, runLeg } from "./rounds.ts";

async function main(args: string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (parsed === "help") {
    print(usage);
    return 0;
  }
  if ("problem" in parsed) {
    printError(`bench: ${parsed.problem}\n\n${usage}`);
    return 2;
  }
  const { options } = parsed;
  if (Deno.build.os !== "linux") {
    printError("bench: needs Linux: CPU time and memory are read from /proc");
    return 1;
  }
  const missing = missingPackages(options.servers);
  if (missing.length > 0) {
    printError(`bench: something is missing; install it with: apt-get install -y ${missing.join(" ")}`);
    return 1;
  }
  return await bench(options, ["deno task bench", ...args].join(" "));
}

/** The legs that this machine has, and a line for each that it lacks. */
function possible(asked: readonly LegName[]): { legs: LegName[]; skipped: string[] } {
  const obstacles = asked.map((leg) => ({ leg, obstacle: obstacleTo(leg) }));
  return {
    legs: obstacles.filter(({ obstacle }) => obstacle === undefined).map(({ leg }) => leg),
    skipped: obstacles.flatMap(({ leg, obstacle }) =>
      obstacle === undefined ? [] : [`leg ${leg} is skipped: ${obstacle}`]
    ),
  };
}

async function bench(options: Options, command: string): Promise<number> {
  const stop = new AbortController();
  let rig: Rig | undefined;
  const interrupt = () => {
    stop.abort(new Error("interrupted"));
    // Whoever waits for a server now would wait until its load is over.
    (rig?.[Symbol.asyncDispose]() ?? Promise.resolve()).finally(() => Deno.exit(130));
  };
  // Before the first namespace is made: what is caught ends no synchronous work in its middle.
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, interrupt);
  try {
    const { legs, skipped } = possible(options.legs);
    for (const line of skipped) printError(`bench: ${line}`);
    if (legs.length === 0) return 1;
    const date = new Date();
    const results: LegResults[] = [];
    for (const name of legs) {
      using opened = new DisposableStack();
      rig = new Rig({ leg: opened.use(openLeg(name)), lb: options.lb });
      // The rig disposes its leg.
      opened.move();
      await rig.startTargets();
      results.push(await runLeg({ rig, options, log: printError, signal: stop.signal }));
      await rig[Symbol.asyncDispose]();
    }
    publish({ machine: await describeMachine(), command, date, options, results, skipped });
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    printError(`bench: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    await rig?.[Symbol.asyncDispose]();
    for (const signal of signals) Deno.removeSignalListener(signal, interrupt);
  }
}

function publish(input: ReportInput): void {
  const { jsonFile } = input.options;
  print(reportOf(input));
  Deno.mkdirSync(dirname(jsonFile), { recursive: true });
  const whole = { ...input, definitions: definitions() };
  Deno.writeTextFileSync(jsonFile, JSON.stringify(whole, null, 1) + "\n");
  printError(`every sample: ${jsonFile}`);
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function printError(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
