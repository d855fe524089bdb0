/** `deno task bench`: lb beside HAProxy and nginx on this machine. */
import { dirname } from "node:path";
import { definitions } from "./definitions.ts";
import { type LegName, obstacleTo, openLeg } from "./leg.ts";
import { describeMachine } from "./machine.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { missingPackages } from "./programs.ts";
import { reportOf } from "./report.ts";
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
  const { legs, skipped } = possible(options.legs);
  for (const line of skipped) printError(`bench: ${line}`);
  if (legs.length === 0) return 1;
  return await bench({ ...options, legs }, { command: ["deno task bench", ...args].join(" "), skipped });
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

interface Context {
  readonly command: string;
  readonly skipped: readonly string[];
}

async function bench(options: Options, { command, skipped }: Context): Promise<number> {
  const stop = new AbortController();
  const date = new Date();
  let rig: Rig | undefined;
  const interrupt = () => {
    stop.abort(new Error("interrupted"));
    // Whoever waits for a server now would wait until its load is over.
    (rig?.[Symbol.asyncDispose]() ?? Promise.resolve()).finally(() => Deno.exit(130));
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, interrupt);
  try {
    const results: LegResults[] = [];
    for (const name of options.legs) {
      rig = new Rig({ leg: openLeg(name), lb: options.lb });
      await rig.startTargets();
      results.push(await runLeg({ rig, options, log: printError, signal: stop.signal }));
      await rig[Symbol.asyncDispose]();
    }
    const machine = await describeMachine();
    print(reportOf({ machine, command, date, options, results, skipped }));
    Deno.mkdirSync(dirname(options.jsonFile), { recursive: true });
    const whole = { command, date, machine, options, definitions: definitions(), legs: results };
    Deno.writeTextFileSync(options.jsonFile, JSON.stringify(whole, null, 1) + "\n");
    printError(`every sample: ${options.jsonFile}`);
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

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function printError(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
