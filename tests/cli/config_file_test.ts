import assert from "node:assert/strict";
import { maxConfigBytes, readConfig } from "../../lib/cli/config_file.ts";
import { TextFile } from "../support/text_file.ts";
import { yaml } from "../support/yaml.ts";

const noEnv = () => undefined;

function problem(path: string): string | undefined {
  const file = readConfig(path, noEnv);
  return "diagnostics" in file ? file.diagnostics[0]?.message : undefined;
}

Deno.test("a right file is read whole", async () => {
  await using file = await TextFile.write(yaml({ targets: ["127.0.0.1:1"] }));
  const read = readConfig(file.path, noEnv);
  assert.ok("config" in read);
  assert.equal(read.config.pools[0]?.targets.length, 1);
});

Deno.test("a file of the largest size is read, one byte more is refused unread", async () => {
  const text = yaml({ targets: ["127.0.0.1:1"] });
  await using file = await TextFile.write(text + "#".repeat(maxConfigBytes - text.length));
  assert.equal(problem(file.path), undefined);
  await Deno.writeTextFile(file.path, "#", { append: true });
  assert.match(problem(file.path) ?? "", /^1048577 bytes, wanted at most 1048576/);
});

Deno.test("what is no file, or no text, is said", async () => {
  await using file = await TextFile.write("");
  assert.match(problem(file.folder) ?? "", /^not a file; name a YAML file with -c$/);
  assert.match(problem("/dev/zero") ?? "", /^not a file/);
  assert.match(problem(`${file.folder}/none.yaml`) ?? "", /^no such file/);
  assert.match(problem(`${file.path}/below`) ?? "", /^cannot be read: a part of the path is not a folder$/);
  await Deno.writeFile(file.path, new Uint8Array([0xff, 0xfe]));
  assert.equal(problem(file.path), "not UTF-8 text");
});

Deno.test({
  name: "a FIFO is refused rather than waited for",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using file = await TextFile.write("");
    const fifo = `${file.folder}/fifo`;
    await new Deno.Command("mkfifo", { args: [fifo] }).output();
    assert.match(problem(fifo) ?? "", /^not a file/);
  },
});
