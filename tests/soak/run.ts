/** Rows one after the other, each in a process of its own: one that fails or hangs is a result like any other. */
import type { Result } from "./judge.ts";
import { judge } from "./judge.ts";
import type { Row } from "./rows.ts";
import { runTests } from "./test_process.ts";

const testsFolder = new URL("../", import.meta.url).pathname;

/** What a run needs besides its rows. */
export interface RunOptions<Engine extends string> {
  readonly engines: readonly Engine[];
  readonly minutes: number;
  /** A folder for what the tests print, a file for each row and engine. */
  readonly logFolder: string;
  /** Where the rows' files are; tests/ unless given, with a slash at its end. */
  readonly root?: string;
  readonly signal?: AbortSignal;
  readonly onStart?: (row: Row, engine: string) => void;
}

/** Yields the result of each row on each engine. After `signal` no further one begins. */
export async function* runRows<Engine extends string>(
  rows: readonly Row[],
  options: RunOptions<Engine>,
): AsyncGenerator<Result> {
  for (const row of rows) {
    for (const engine of row.engineless ? ["-"] : options.engines) {
      if (options.signal?.aborted) return;
      options.onStart?.(row, engine);
      yield await runRow(row, { ...options, engine });
    }
  }
}

interface RowOptions extends Omit<RunOptions<string>, "engines" | "onStart"> {
  readonly engine: string;
}

async function runRow(
  row: Row,
  { engine, minutes, logFolder, root = testsFolder, signal }: RowOptions,
): Promise<Result> {
  const { number, fault, wanted, filter, limitMinutes, lasting } = row;
  const own = { row: number, fault, wanted, engine };
  const files = row.files.map((file) => `${root}${file}`);
  const lacking = row.files.filter((_, index) => !isFile(files[index]!));
  if (lacking.length > 0) {
    return {
      ...own,
      verdict: "absent",
      measured: "",
      cause: `no ${lacking.join(", ")}`,
      seconds: 0,
      stallMs: 0,
      figures: [],
    };
  }
  const end = await runTests({
    files,
    filter,
    env: { SOAK: "1", SOAK_MINUTES: String(minutes), ...engine === "-" ? {} : { LB_ENGINE: engine } },
    limitMs: 60_000 * (limitMinutes + (lasting ? minutes : 0)),
    logFile: `${logFolder}/${number}-${engine === "-" ? "any" : engine}.log`,
    ...signal === undefined ? {} : { signal },
  });
  // A file may serve several rows; each takes its own figures.
  const judged = judge({ ...end, figures: end.figures.filter((figure) => figure.row === number) });
  const ended = end.code === null && signal?.aborted ? { cause: "the run was ended meanwhile" } : {};
  return { ...own, ...judged, ...ended };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
