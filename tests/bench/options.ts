/** The command line. */
import { parseArgs } from "node:util";
import { type LegName, legNames } from "./leg.ts";
import { contenders, type ServerName, serverNames } from "./server_names.ts";
import { type WorkloadName, workloads } from "./workloads.ts";

/** What a run is to do. */
export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly only: readonly WorkloadName[];
  readonly legs: readonly LegName[];
  readonly servers: readonly ServerName[];
  /** The path of each further lb by its name, and under "" of the one that is measured instead of this tree. */
  readonly lb: { readonly [name: string]: string };
  readonly jsonFile: string;
}

/** The rounds that figures need to be quoted. */
export const minQuotableRounds = 5;

const workloadNames = workloads.map(({ name }) => name);

/** What `--help` prints. */
export const usage = `usage: deno task bench [options]

  --rounds N        rounds, ${minQuotableRounds} or more for figures to quote (5)
  --seconds N       how long each server is under load in each round (4)
  --only LIST       of ${workloadNames.join(",")} (all)
  --leg LEG         loopback, network (network namespaces, MTU 1500: needs root), or both (both)
  --servers LIST    of ${serverNames.join(",")} (all)
  --lb NAME=PATH    another lb, measured beside this one as lb-linux-NAME and lb-portable-NAME: the main.ts of another
                    checkout, or a compiled binary; may be given several times
  --lb PATH         the same, measured instead of this tree
  --json FILE       where all samples go (dist/bench.json)
  --help

A binary runs the linux engine only with the FFI permission built in. To compare two trees:
  deno task bench --servers lb-linux --lb before=../other-checkout/main.ts`;

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
        leg: { type: "string", default: "both" },
        servers: { type: "string", default: serverNames.join(",") },
        lb: { type: "string", multiple: true, default: [] },
        json: { type: "string", default: "dist/bench.json" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return "help";
    const lb = programsOf(values.lb);
    const chosen = listOf("servers", values.servers, serverNames);
    return {
      options: {
        rounds: wholeNumber("rounds", values.rounds),
        seconds: wholeNumber("seconds", values.seconds),
        only: listOf("only", values.only, workloadNames),
        legs: values.leg === "both" ? legNames : [oneOf("leg", values.leg, legNames)],
        servers: contenders(chosen, Object.keys(lb).filter((name) => name !== "")),
        lb,
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

/** Splits `NAME=PATH`; a name is lower-case letters, digits and dashes, so that a path may hold a "=" itself. */
function programsOf(words: readonly string[]): { [name: string]: string } {
  const programs: { [name: string]: string } = {};
  for (const word of words) {
    const [, name = "", path = word] = /^([a-z0-9][a-z0-9-]*)=(.*)$/.exec(word) ?? [];
    if (path === "") {
      throw new RangeError(`--lb ${word}: a path is wanted, as in --lb before=../other/main.ts`);
    }
    if (name in programs) throw new RangeError(`--lb ${word}: a second one for ${name || "this tree"}`);
    programs[name] = path;
  }
  return programs;
}

function oneOf<Name extends string>(option: string, word: string, all: readonly Name[]): Name {
  const found = all.find((name) => name === word);
  if (found === undefined) {
    throw new RangeError(`--${option}: ${JSON.stringify(word)} is none of ${all.join(", ")}, both`);
  }
  return found;
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
