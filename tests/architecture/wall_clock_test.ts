/** Row 52 of the acceptance table: whatever is done with the clock of the machine, no timer and no limit notices. */
import assert from "node:assert/strict";

/** Where the time of day is read: to be printed, and in `watch.ts` to be compared with a file's own time stamp. */
const stamps: readonly string[] = [
  "cli/demo.ts",
  "cli/watch.ts",
  "observe/log.ts",
  "observe/log_worker.ts",
  "session/session.ts",
];

const root = new URL("../../lib/", import.meta.url).pathname;

function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sources(`${folder}${name}/`);
    else if (name.endsWith(".ts")) yield `${folder}${name}`;
  }
}

Deno.test("the time of day is read for time stamps only: every timer and limit goes by the monotonic clock", () => {
  const readers = [...sources(root)].filter((path) =>
    /\bDate\.now\b|\bnew Date\(\)|\bTemporal\.Now\b/.test(Deno.readTextFileSync(path))
  ).map((path) => path.slice(root.length));
  assert.deepEqual(readers.toSorted(), stamps);
});
