/** `deno task bench`: lb beside HAProxy and nginx on this machine. */
import { dirname } from "node:path";
import { definitions } from "./definitions.ts";
import { describeMachine } from "./machine.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { missingPackages } from "./programs.ts";
import { reportOf } from "./report.ts";
import { Rig } from "./rig.ts";
import { runAll } from "./rounds.ts";

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
  if (Deno.build.os !== "linux") {
    printError("bench: needs Linux: CPU time and memory are read from /proc");
    return 1;
  }
  const missing = missingPackages(parsed.options.servers);
  if (missing.length > 0) {
    printError(`bench: something is missing; install it with: apt-get install -y ${missing.join(" ")}`);
    return 1;
  }
  return await bench(parsed.options, ["deno task bench", ...args].join(" "));
}

async function bench(options: Options, command: string): Promise<number> {
  const stop = new AbortController();
  const date = new Date();
  const rig = await Rig.start({ lb: options.lb });
  const interrupted = () => {
    stop.abort(new Error("interrupted"));
    // Whoever waits for a server now would wait until its turn is over.
    rig[Symbol.asyncDispose]().then(() => Deno.exit(130));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupted);
  try {
    const results = await runAll({ rig, options, tell: printError, signal: stop.signal });
    const machine = await describeMachine();
    print(reportOf({ machine, command, date, options, results }));
    Deno.mkdirSync(dirname(options.jsonFile), { recursive: true });
    const whole = { command, date, machine, options, definitions: definitions(), ...results };
    Deno.writeTextFileSync(options.jsonFile, JSON.stringify(whole, null, 1) + "\n");
    printError(`every sample: ${options.jsonFile}`);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    printError(`bench: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    await rig[Symbol.asyncDispose]();
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, interrupted);
  }
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function printError(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
