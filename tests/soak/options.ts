/** The command line. */
import { parseArgs } from "node:util";
import { type EngineName, engineNames } from "../../lib/values/words.ts";
import { type Row, rows } from "./rows.ts";

/** What a run is to do. */
export interface Options {
  readonly rows: readonly Row[];
  readonly engines: readonly EngineName[];
  /** How long a row lasts that takes as long as one likes. */
  readonly minutes: number;
  /** Where the results go besides standard output. */
  readonly jsonFile: string | undefined;
}

/** What `--help` prints. */
export const usage = `usage: deno task soak [options]

  --rows LIST       of ${rows.map(({ number }) => number).join(",")}; also ranges, as 13-20 (all)
  --engine ENGINE   ${engineNames.join(", ")}, or both (both)
  --minutes N       how long row 54 lasts (20)
  --json FILE       the results as JSON, written anew after each row
  --help`;

/** Options, or what is wrong with the words; "help" when that was asked for. */
export type Parsed = { readonly options: Options } | { readonly problem: string } | "help";

/** Parses the words of a command line. */
export function parseOptions(args: string[]): Parsed {
  try {
    const { values } = parseArgs({
      args,
      options: {
        rows: { type: "string" },
        engine: { type: "string", default: "both" },
        minutes: { type: "string", default: "20" },
        json: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return "help";
    return {
      options: {
        rows: values.rows === undefined ? rows : rowsOf(values.rows),
        engines: enginesOf(values.engine),
        minutes: minutesOf(values.minutes),
        jsonFile: values.json,
      },
    };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The chosen rows in the order of the table. */
function rowsOf(text: string): Row[] {
  const numbers = new Set(text.split(",").flatMap(numbersOf));
  return rows.filter(({ number }) => numbers.has(number));
}

function numbersOf(word: string): number[] {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(word) ?? [];
  const [from, to] = [Number(first), Number(last)];
  const found = rows.map(({ number }) => number).filter((number) => number >= from && number <= to);
  if (found.length === 0) throw new RangeError(`--rows: ${JSON.stringify(word)} is no row that can be run`);
  return found;
}

function enginesOf(word: string): readonly EngineName[] {
  if (word === "both") return engineNames;
  const engine = engineNames.find((name) => name === word);
  if (engine === undefined) {
    throw new RangeError(`--engine: ${JSON.stringify(word)} is none of ${engineNames.join(", ")}, both`);
  }
  return [engine];
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= 24 * 60)) {
    throw new RangeError(`--minutes ${text}: wanted more than 0 and at most 1440`);
  }
  return minutes;
}
