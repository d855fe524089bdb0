/** The run itself, over rows that are good, bad and endless. */
import assert from "node:assert/strict";
import { eventually, within } from "../support/eventually.ts";
import type { Result } from "./judge.ts";
import type { Row } from "./rows.ts";
import { runRows } from "./run.ts";

const figureModule = new URL("../support/figure.ts", import.meta.url).href;

const files = {
  "good_test.ts": `import { figure } from ${JSON.stringify(figureModule)};
Deno.test("good", () => {
  figure("mine", { row: 1, is: 1, most: 2, unit: "ms" });
  figure("of another row", { row: 2, is: 3, most: 2, unit: "ms" });
});`,
  "bad_test.ts": `Deno.test("bad", () => { throw new Error("as told"); });`,
  // With a process of its own, which is not to outlive it.
  "endless_test.ts": `Deno.test("endless", async () => {
  const { pid } = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  Deno.writeTextFileSync(new URL("pid", import.meta.url), String(pid));
  await new Promise((resolve) => setTimeout(resolve, 1e6));
});`,
};

/** Rows over these files, in a folder that goes when it is disposed. */
async function world(): Promise<
  AsyncDisposable & { root: string; row: (number: number, file: string) => Row }
> {
  const root = `${await Deno.makeTempDir({ prefix: "lb-soak-" })}/`;
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(root + name, text);
  return {
    root,
    row: (number, file) => ({ number, fault: "a fault", wanted: "", files: [file], limitMinutes: 1 }),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

Deno.test("rows that fail, hang or have no test yet end no run, and each says what came of it", async () => {
  await using w = await world();
  const rows = [
    w.row(3, "bad_test.ts"),
    { ...w.row(4, "endless_test.ts"), limitMinutes: 0.1 },
    w.row(5, "missing_test.ts"),
    w.row(1, "good_test.ts"),
  ];
  const results: Result[] = [];
  for await (
    const result of runRows(rows, { engines: ["linux"], minutes: 1, root: w.root, logFolder: w.root })
  ) {
    results.push(result);
  }
  const [bad, endless, absent, good] = results;
  assert.deepEqual([bad?.verdict, bad?.cause], ["failed", "Error: as told"]);
  assert.equal(endless?.verdict, "hung");
  assert.match(String(endless?.cause), /^not over after \d+ s, at: endless/);
  assert.deepEqual([absent?.verdict, absent?.cause], ["absent", "no missing_test.ts"]);
  assert.deepEqual([good?.verdict, good?.engine], ["passed", "linux"]);
  assert.deepEqual(good?.figures.map(({ what }) => what), ["mine"]);
  assert.match(await Deno.readTextFile(`${w.root}3-linux.log`), /as told/);
  assert.ok(await isGone(w.root), "the process of the endless test has ended with it");
});

Deno.test("each row is run on each engine, one without an engine once", async () => {
  await using w = await world();
  const rows: Row[] = [w.row(1, "missing_test.ts"), { ...w.row(2, "missing_test.ts"), engineless: true }];
  const ran: string[] = [];
  const options = { engines: ["portable", "linux"], minutes: 1, root: w.root, logFolder: w.root };
  for await (const { row, engine } of runRows(rows, options)) ran.push(`${row} ${engine}`);
  assert.deepEqual(ran, ["1 portable", "1 linux", "2 -"]);
});

Deno.test("a run that is ended kills the row under way and begins no further one", async () => {
  await using w = await world();
  const ending = new AbortController();
  const rows = [w.row(4, "endless_test.ts"), w.row(1, "good_test.ts")];
  const options = { engines: ["linux"], minutes: 1, root: w.root, logFolder: w.root };
  const all = Array.fromAsync(runRows(rows, { ...options, signal: ending.signal }));
  await eventually("the endless test runs", () => pidOf(w.root) !== undefined);
  ending.abort();
  const results = await within("the end of the run", all);
  assert.deepEqual(results.map(({ verdict, cause }) => [verdict, cause]), [[
    "hung",
    "the run was ended meanwhile",
  ]]);
});

function pidOf(root: string): number | undefined {
  try {
    const text = Deno.readTextFileSync(`${root}pid`);
    return text === "" ? undefined : Number(text);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Whether the process that the endless test had started is no more; one that nobody has waited for yet counts as such. */
async function isGone(root: string): Promise<boolean> {
  const pid = pidOf(root);
  assert.ok(pid !== undefined);
  return await eventually(`the end of ${pid}`, () => {
    try {
      return /^\d+ \(.*\) [ZX]/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
    } catch {
      return true;
    }
  });
}
