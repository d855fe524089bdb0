import assert from "node:assert/strict";
import { writeAll } from "../../lib/cli/terminal.ts";
import { CapturedOutput } from "../observe/captured_output.ts";

interface Pauses {
  readonly pause: (ms: number) => void;
  ms: number;
}

function pauses(): Pauses {
  const counted: Pauses = { ms: 0, pause: (ms) => counted.ms += ms };
  return counted;
}

Deno.test("everything is written, in as many writes as the stream takes", () => {
  const captured = new CapturedOutput();
  captured.usual = { take: 3 };
  assert.equal(writeAll(captured, "a longer text\n"), undefined);
  assert.equal(captured.text, "a longer text\n");
});

Deno.test("a stream that is full for a moment is waited for", () => {
  const captured = new CapturedOutput();
  const waited = pauses();
  captured.next.push("full", { take: 2 }, "full", "full");
  assert.equal(writeAll(captured, "text\n", waited), undefined);
  assert.equal(captured.text, "text\n");
  assert.ok(waited.ms > 0);
});

Deno.test("a stream that stays full is given up after its limit, and what is slow is not", () => {
  const captured = new CapturedOutput();
  const waited = pauses();
  captured.next.push("full", "full", { take: 1 }, "full", "full", { take: 1 });
  captured.usual = "full";
  assert.equal(writeAll(captured, "text\n", { ...waited, maxMs: 40 }), "its reader reads no more");
  assert.equal(captured.text, "te");
  assert.equal(captured.writes, 6 + 5);
});

Deno.test("a reader that is gone wants no more, and is no problem", () => {
  const captured = new CapturedOutput();
  captured.usual = "closed";
  assert.equal(writeAll(captured, "text\n"), undefined);
});

Deno.test({
  name: "a full disk is said in words",
  ignore: Deno.build.os !== "linux",
  fn() {
    using full = Deno.openSync("/dev/full", { write: true });
    assert.equal(writeAll(full, "text\n"), "no space left");
  },
});
