import assert from "node:assert/strict";
import process from "node:process";
import { parseYaml } from "../../../lib/config/yaml/parser.ts";

Deno.test("config: loading prints nothing and asks for no permission, whatever LOG_TOKENS and LOG_STREAM say", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", new URL("load_a_file.ts", import.meta.url).pathname],
    env: { LOG_TOKENS: "1", LOG_STREAM: "1", NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  assert.equal(text.decode(stdout), "1 pool\n", text.decode(stderr));
  assert.equal(code, 0);
});

Deno.test("config: the environment is what it was after parsing, after a mistake too", () => {
  const before = process.env;
  for (const text of ["a: 1", "a: [", "[".repeat(10_000), `"${"\\q".repeat(1000)}"`]) {
    parseYaml(text);
    assert.equal(process.env, before);
  }
});
