import assert from "node:assert/strict";
import fc from "fast-check";
import { duration, faultOf } from "../../lib/health/detail.ts";
import { quoted } from "../../lib/values/printable.ts";

Deno.test("what a peer sent is quoted, escaped and cut to 60 characters", () => {
  assert.equal(quoted('a "b"\n\x1b[31m'), '"a \\"b\\"\\n\\u001b[31m"');
  assert.equal(quoted("\x7f\x9b\u2028\u202e"), '"\\u007f\\u009b\\u2028\\u202e"');
  assert.equal(quoted("größer"), '"größer"');
  assert.equal(quoted("x".repeat(61)), `"${"x".repeat(59)}…"`);
  assert.equal(quoted("x".repeat(60)), `"${"x".repeat(60)}"`);
});

Deno.test("no peer can break a line or lose its own text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
    fc.pre(text.length <= 60);
    const line = quoted(text);
    assert.doesNotMatch(line, /[\p{C}\p{Zl}\p{Zp}]/u);
    assert.equal(JSON.parse(line), text);
  }));
});

Deno.test("durations read as in lb.yaml", () => {
  assert.deepEqual([50, 999, 1000, 1500, 90_000].map(duration), ["50ms", "999ms", "1s", "1.5s", "90s"]);
});

Deno.test("running out of descriptors is a local fault, not the target's", () => {
  const error = Object.assign(new Error("Too many open files (os error 24)"), { code: "EMFILE" });
  assert.deepEqual(faultOf(error), { local: true, detail: "no free file descriptor" });
});

Deno.test("unreachable and unknown errors have words", () => {
  assert.equal(faultOf(Object.assign(new Error("x"), { code: "EHOSTUNREACH" })).detail, "unreachable");
  assert.equal(faultOf(new Error("odd\nthing")).detail, '"odd\\nthing"');
  assert.equal(
    faultOf(new Deno.errors.InvalidData("invalid peer certificate: Expired")).detail,
    "certificate: expired",
  );
});
