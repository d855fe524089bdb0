import assert from "node:assert/strict";
import { LogThread } from "../../lib/observe/log_thread.ts";
import { eventually, within } from "../support/eventually.ts";
import { TextFile } from "../support/text_file.ts";
import type { Instruction } from "./recording_log_worker.ts";

const enoughMs = 30_000;
const module = new URL("./recording_log_worker.ts", import.meta.url);

function recordingThread(): LogThread {
  return new LogThread({ format: "text", module });
}

const line = (instruction: Instruction) => JSON.stringify(instruction);

Deno.test("lines that are written before the thread runs come out, in their order", async () => {
  await using file = await TextFile.write("");
  await using thread = recordingThread();
  const texts = Array.from({ length: 500 }, (_, index) => `line ${index}`);
  for (const text of texts) thread.write(line({ do: "write", path: file.path, text }));
  await within("the lines written", thread.flush(enoughMs));
  assert.deepEqual((await Deno.readTextFile(file.path)).trimEnd().split("\n"), texts);
});

Deno.test("a thread that has no line yet starts all the same, and whoever flushes before need not wait for it", async () => {
  await using file = await TextFile.write("");
  const text = `Deno.writeTextFileSync(${JSON.stringify(file.path)}, "started"); onmessage = () => {};`;
  await using thread = new LogThread({
    format: "text",
    module: new URL(`data:text/javascript,${encodeURIComponent(text)}`),
  });
  await within("a flush of nothing", thread.flush(enoughMs));
  assert.equal(await Deno.readTextFile(file.path), "");
  await eventually("the thread", async () => await Deno.readTextFile(file.path) === "started");
});

Deno.test("lines come out though nobody waits for them", async () => {
  await using file = await TextFile.write("");
  await using thread = recordingThread();
  thread.write(line({ do: "write", path: file.path, text: "a" }));
  await eventually("the line", async () => await Deno.readTextFile(file.path) === "a\n");
  thread.write(line({ do: "write", path: file.path, text: "b" }));
  await eventually("the next one", async () => await Deno.readTextFile(file.path) === "a\nb\n");
});

Deno.test("of lines that find no room as many are kept as there is room for, and the others are counted", async () => {
  await using file = await TextFile.write("");
  await using thread = recordingThread();
  thread.write(line({ do: "waitForLosses" }));
  // The queue holds 4 MiB, so about 4,000 of them.
  const [lines, padding] = [6_000, "x".repeat(1_000)];
  for (let i = 0; i < lines; i++) thread.write(line({ do: "count", padding }));
  await within("the lines kept", thread.flush(enoughMs));
  thread.write(line({ do: "report", path: file.path }));
  await within("the report", thread.flush(enoughMs));
  const { counted, lost } = JSON.parse(await Deno.readTextFile(file.path));
  assert.equal(counted + lost, lines);
  assert.ok(counted > 4_000 && counted < 4_200, `${counted} lines of 1,000 bytes were kept`);
});

Deno.test("lines in bulk that nobody reads leave room for the others", async () => {
  await using written = await TextFile.write("");
  await using report = await TextFile.write("");
  await using thread = recordingThread();
  thread.write(line({ do: "waitForLosses" }));
  const [lines, padding] = [6_000, "x".repeat(1_000)];
  for (let i = 0; i < lines; i++) thread.writeBulk(line({ do: "count", padding }));
  thread.write(line({ do: "write", path: written.path, text: "down" }));
  await within("the lines kept", thread.flush(enoughMs));
  thread.write(line({ do: "report", path: report.path }));
  await within("the report", thread.flush(enoughMs));
  assert.equal(await Deno.readTextFile(written.path), "down\n");
  const { counted, lost } = JSON.parse(await Deno.readTextFile(report.path));
  assert.equal(counted + lost, lines);
  assert.ok(counted > 3_500 && lost > 1_800, `${counted} lines of 1,000 bytes were kept`);
});

Deno.test("a thread that dies is started again, and what waited is not lost", async () => {
  await using file = await TextFile.write("");
  await using thread = recordingThread();
  thread.write(line({ do: "die" }));
  thread.write(line({ do: "write", path: file.path, text: "after" }));
  await eventually("the line behind the death", async () => await Deno.readTextFile(file.path) === "after\n");
});

Deno.test("flush gives up when nothing gets out, and a thread that hangs does not hold up the end", async () => {
  await using thread = recordingThread();
  thread.write(line({ do: "hang" }));
  thread.write(line({ do: "die" }));
  await within("the end of patience", thread.flush(10));
});

Deno.test("flush of a log that has nothing to write resolves", async () => {
  await using thread = recordingThread();
  await within("nothing to wait for", thread.flush(enoughMs));
});
