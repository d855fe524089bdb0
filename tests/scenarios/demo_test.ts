/** `lb demo` */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { within } from "../support/eventually.ts";
import { lbCommand } from "../support/lb.ts";
import { writeAll } from "../support/target.ts";

Deno.test("lb demo says what to try, answers from A, B and C, and ends at INT with 0", async () => {
  const [command, args] = lbCommand(["demo", "--port", "0"]);
  const demo = new Deno.Command(command, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const errors = new Response(demo.stderr).text();
  try {
    const output = demo.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!/Ctrl-C ends the demo/.test(text)) {
      const { value, done } = await within(`what to try; it said ${text}`, output.read());
      assert.ok(!done, `it ended early: ${text}`);
      text += value;
    }
    const port = Number(/curl http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1]);
    assert.ok(port > 0, text);

    const names: string[] = [];
    for (let request = 0; request < 9; request++) {
      const answer = await get(port);
      names.push(/hello from server ([A-C])\n/.exec(answer)?.[1] ?? answer);
    }
    assert.deepEqual(names.slice(0, 3).toSorted(), ["A", "B", "C"]);
    assert.deepEqual(Map.groupBy(names, (name) => name).values().map((own) => own.length).toArray(), [
      3,
      3,
      3,
    ]);
    demo.kill("SIGINT");
    while (!(await within("the end of its output", output.read())).done);
  } finally {
    try {
      demo.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
  assert.equal((await within("its end", demo.status)).code, 0);
  assert.equal(await errors, "");
});

/** Asks as curl does: without finishing before the answer is there, which some HTTP servers take for leaving. */
async function get(port: number): Promise<string> {
  using client = await Client.open(port);
  await writeAll(
    client.conn,
    new TextEncoder().encode("GET / HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n"),
  );
  return await client.rest();
}
