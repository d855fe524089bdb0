import assert from "node:assert/strict";
import { sessionCap } from "../../lib/control/descriptors.ts";

const none = "/no/such/file";

Deno.test("descriptors are counted by what can be opened: without /dev/null by the root folder", () => {
  for (const files of [["/dev/null"], ["/"], [none, "/"]]) {
    const cap = sessionCap(50, { files });
    assert.deepEqual(cap, { sessions: 50, isCounted: true }, files.join());
  }
});

Deno.test("where nothing can be opened the configured cap holds, and that it was not counted is known", () => {
  assert.deepEqual(sessionCap(50, { files: [none] }), { sessions: 50, isCounted: false });
  assert.equal(sessionCap(Infinity, { files: [none] }).sessions, 200_000);
});

/** Counts in a process of its own: the tests of other files open and close descriptors in this one meanwhile. */
const counting = `
const { sessionCap } = await import(${
  JSON.stringify(new URL("../../lib/control/descriptors.ts", import.meta.url).href)
});
const { engines } = await import(${
  JSON.stringify(new URL("../../lib/relay/engines.ts", import.meta.url).href)
});
const count = () => sessionCap(Infinity, { count: engines.ENGINE.freeDescriptors }).sessions;
const before = count();
const files = Array.from({ length: 100 }, () => Deno.openSync("/"));
const meanwhile = count();
for (const file of files) file.close();
console.log(JSON.stringify([before, meanwhile, count()]));
`;

for (const engine of Deno.build.os === "linux" ? ["portable", "linux"] : ["portable"]) {
  Deno.test(`the cap is what the free descriptors allow, less a reserve, and all are free again, engine ${engine}`, async () => {
    const script = Deno.makeTempFileSync({ suffix: ".ts" });
    Deno.writeTextFileSync(script, counting.replace("ENGINE", engine));
    try {
      const args = ["run", "--no-config", "--no-check", "--allow-read", "--allow-ffi", script];
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
      const decoder = new TextDecoder();
      const text = decoder.decode(stdout);
      assert.notEqual(text, "", decoder.decode(stderr));
      const [before, meanwhile, after] = JSON.parse(text);
      assert.ok(before > 0);
      assert.equal(meanwhile, before - (before < 200_000 ? 50 : 0));
      assert.equal(after, before);
    } finally {
      Deno.removeSync(script);
    }
  });
}

Deno.test("how an engine counts comes before files, and files where it has no way to", () => {
  const count = (wanted: number) => Math.min(wanted, 1_256);
  assert.deepEqual(sessionCap(5_000, { count, files: [none] }), { sessions: 500, isCounted: true });
  assert.deepEqual(sessionCap(50, { count: () => undefined }), { sessions: 50, isCounted: true });
});
