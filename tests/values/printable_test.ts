import assert from "node:assert/strict";
import fc from "fast-check";
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
