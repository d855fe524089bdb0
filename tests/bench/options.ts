/** The command line. */
import { parseArgs } from "node:util";
import { type ServerName, serverNames } from "./server_names.ts";
import { type WorkloadName, workloads } from "./workloads.ts";

/** What a run is to do. `lb` undefined = this tree by `deno run`. */
export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly only: readonly WorkloadName[];
  readonly servers: readonly ServerName[];
  readonly lb: string | undefined;
  readonly jsonFile: string;
}

/** The rounds that figures need to be quoted. */
export const fewestRounds = 5;

const workloadNames = workloads.map(({ name }) => name);

/** What `--help` prints. */
export const usage = `usage: deno task bench [options]

  --rounds N        rounds, ${fewestRounds} or more for figures to quote (5)
  --seconds N       length of each turn of a server (4)
  --only LIST       of ${workloadNames.join(",")} (all)
  --servers LIST    of ${serverNames.join(",")} (all)
  --lb FILE         a compiled binary instead of this tree; for lb-linux it needs the FFI permission built in
  --json FILE       where all samples go (dist/bench.json)
  --help`;

/** Options, or what is wrong with the words; "help" when that was asked for. */
export type Parsed = { readonly options: Options } | { readonly problem: string } | "help";

/** Parses the words of a command line. */
export function parseOptions(args: string[]): Parsed {
  try {
    const { values } = parseArgs({
      args,
      options: {
        rounds: { type: "string", default: "5" },
        seconds: { type: "string", default: "4" },
        only: { type: "string", default: workloadNames.join(",") },
        servers: { type: "string", default: serverNames.join(",") },
        lb: { type: "string" },
        json: { type: "string", default: "dist/bench.json" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return "help";
    return {
      options: {
        rounds: wholeNumber("rounds", values.rounds),
        seconds: wholeNumber("seconds", values.seconds),
        only: listOf("only", values.only, workloadNames),
        servers: listOf("servers", values.servers, serverNames),
        lb: values.lb,
        jsonFile: values.json,
      },
    };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 3600) {
    throw new RangeError(`--${name} ${text}: a whole number from 1 to 3600 is wanted`);
  }
  return number;
}

/** The chosen ones in the order of `all`, whatever the order of the words. */
function listOf<Name extends string>(name: string, text: string, all: readonly Name[]): Name[] {
  const words = text.split(",");
  const stray = words.find((word) => !(all as readonly string[]).includes(word));
  if (stray !== undefined) {
    throw new RangeError(`--${name}: ${JSON.stringify(stray)} is none of ${all.join(", ")}`);
  }
  return all.filter((word) => words.includes(word));
}
