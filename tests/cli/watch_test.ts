import assert from "node:assert/strict";
import { watchFile } from "../../lib/cli/watch.ts";
import { eventually } from "../support/eventually.ts";
import { TextFile } from "../support/text_file.ts";

/** Each change in turn is noticed once. */
async function assertNoticed(
  path: string,
  changes: readonly [what: string, change: () => Promise<unknown>][],
) {
  let noticed = 0;
  using _watch = watchFile(path, () => noticed++);
  for (const [index, [what, change]] of changes.entries()) {
    await change();
    await eventually(what, () => noticed >= index + 1);
    assert.equal(noticed, index + 1, what);
  }
}

Deno.test("a file that is written, replaced, removed, or comes back has changed, once each", async () => {
  await using file = await TextFile.write("one");
  const { path } = file;
  await assertNoticed(path, [
    ["written", () => Deno.writeTextFile(path, "two")],
    ["written with as many bytes and an old time", async () => {
      await Deno.writeTextFile(path, "TWO");
      await Deno.utime(path, 1, 1);
    }],
    ["replaced", async () => {
      await Deno.writeTextFile(`${path}.new`, "three");
      await Deno.rename(`${path}.new`, path);
    }],
    ["removed", () => Deno.remove(path)],
    ["a folder", () => Deno.mkdir(path)],
    ["a file in its place", async () => {
      await Deno.remove(path);
      await Deno.writeTextFile(path, "four");
    }],
    ["a FIFO, which nobody writes to", async () => {
      await Deno.remove(path);
      await new Deno.Command("mkfifo", { args: [path] }).output();
    }],
    ["too large", async () => {
      await Deno.remove(path);
      await Deno.writeFile(path, new Uint8Array(2 * 1024 * 1024));
    }],
    ["back again", () => Deno.writeTextFile(path, "three")],
  ]);
});
