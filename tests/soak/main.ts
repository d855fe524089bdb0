/** `deno task soak`: the acceptance table in its long form. */
import type { Result } from "./judge.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { omitted } from "./rows.ts";
import { runRows } from "./run.ts";
import { tableOf } from "./table.ts";

const logFolder = "dist/soak";

async function main(args: string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (parsed === "help") {
    print(Deno.stdout, usage);
    return 0;
  }
  if ("problem" in parsed) {
    print(Deno.stderr, `${parsed.problem}\n\n${usage}`);
    return 2;
  }
  return await run(parsed.options);
}

async function run({ rows, engines, minutes, jsonFile }: Options): Promise<number> {
  await Deno.mkdir(logFolder, { recursive: true });
  const ending = new AbortController();
  const end = () => ending.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, end);
  const results: Result[] = [];
  const onStart = ({ number, fault }: { number: number; fault: string }, engine: string) =>
    print(Deno.stderr, `${new Date().toISOString()} row ${number} (${fault}), ${engine}`);
  try {
    for await (
      const result of runRows(rows, { engines, minutes, logFolder, signal: ending.signal, onStart })
    ) {
      results.push(result);
      print(Deno.stderr, `  ${result.verdict}: ${result.cause ?? result.measured}`);
      if (jsonFile !== undefined) await Deno.writeTextFile(jsonFile, JSON.stringify(results, null, 2) + "\n");
    }
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, end);
  }
  const notRun = omitted.map(({ numbers, why }) => `- rows ${numbers}: not run (${why})`);
  print(Deno.stdout, [tableOf(results), "", ...notRun, `- what the tests printed: ${logFolder}`].join("\n"));
  const isGood = ({ verdict }: Result) => verdict === "passed" || verdict === "skipped";
  return !ending.signal.aborted && results.every(isGood) ? 0 : 1;
}

function print(to: typeof Deno.stdout | typeof Deno.stderr, text: string): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
