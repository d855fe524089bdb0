import assert from "node:assert/strict";
import { sessionCap } from "../../lib/control/descriptors.ts";

const none = "/no/such/file";

Deno.test("descriptors are counted by what can be opened: without /dev/null by the root folder", () => {
  for (const files of [["/dev/null"], ["/"], [none, "/"]]) {
    const cap = sessionCap(50, files);
    assert.deepEqual(cap, { sessions: 50, isCounted: true }, files.join());
  }
});

Deno.test("where nothing can be opened the configured cap holds, and that it was not counted is known", () => {
  assert.deepEqual(sessionCap(50, [none]), { sessions: 50, isCounted: false });
  assert.equal(sessionCap(Infinity, [none]).sessions, 200_000);
});

Deno.test("the cap is what the free descriptors allow, less a reserve, and all are free again", () => {
  const { sessions } = sessionCap(Infinity);
  assert.ok(sessions > 0);
  const files: Deno.FsFile[] = [];
  try {
    for (let i = 0; i < 100; i++) files.push(Deno.openSync("/"));
    assert.equal(sessionCap(Infinity).sessions, Math.min(sessions, 200_000) - (sessions < 200_000 ? 50 : 0));
  } finally {
    for (const file of files) file.close();
  }
  assert.equal(sessionCap(Infinity).sessions, sessions);
});
