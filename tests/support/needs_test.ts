import assert from "node:assert/strict";

const example = new URL("./needs_example.ts", import.meta.url).pathname;

/** What `deno test` says of the example. */
async function outcome(env: { [name: string]: string }): Promise<{ code: number; text: string }> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", example],
    env: { NO_COLOR: "1", LB_REQUIRE_TOOLS: "", ...env },
    stdin: "null",
    stderr: "null",
  }).output();
  return { code, text: new TextDecoder().decode(stdout) };
}

Deno.test("a test whose program is missing is skipped, with the reason in its name", async () => {
  const { code, text } = await outcome({});
  assert.equal(code, 0);
  assert.match(text, /^without a program \(skipped: needs no-such-program-1\) \.\.\. ignored/m);
  assert.match(text, /^with an obstacle \(skipped: the moon is full\) \.\.\. ignored/m);
  assert.match(text, /1 passed .* 0 failed .* 2 ignored/);
});

Deno.test("where tools are required, a test whose program is missing fails and names it", async () => {
  const { code, text } = await outcome({ LB_REQUIRE_TOOLS: "1" });
  assert.equal(code, 1);
  assert.match(text, /needs no-such-program-1, and LB_REQUIRE_TOOLS=1 allows no skip/);
  assert.match(text, /1 passed .* 1 failed .* 1 ignored/);
});
