import assert from "node:assert/strict";
import { formatDiagnostic } from "../../lib/config/diagnostic.ts";
import { loadConfig } from "../../lib/config/load.ts";

function linesOf(text: string): readonly string[] {
  const loaded = loadConfig(text, { file: "lb.yaml", env: () => undefined });
  return ("config" in loaded ? loaded.notes : loaded.diagnostics).map(formatDiagnostic);
}

Deno.test("config: an alias bomb is one mistake", () => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const item = level === 0 ? "x" : `*a${level - 1}`;
    return `a${level}: &a${level} [${Array(12).fill(item).join(", ")}]`;
  });
  const lines = linesOf(levels.join("\n"));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /more than 200,000 values/);
});

Deno.test("config: what nests too deeply is one mistake", () => {
  for (
    const text of [
      "[".repeat(102) + "]".repeat(102),
      "[".repeat(100_000),
      "{".repeat(9000),
      "- ".repeat(9000) + "a",
    ]
  ) {
    const lines = linesOf(text);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /nest deeper than 100 levels/);
  }
});

Deno.test("config: a file over 1 MiB is refused unread", () => {
  assert.match(linesOf(`# ${"x".repeat(1024 * 1024)}\nlisteners: {}\n`).join(), /longer than 1 MiB/);
});

Deno.test("config: a long row of duplicate keys is read once", () => {
  const text = Array.from({ length: 20_000 }, () => "a: 1").join("\n");
  const loaded = loadConfig(text, { file: "lb.yaml", env: () => undefined });
  assert.ok("diagnostics" in loaded);
  // Each key but the first, the unknown key itself, and two sections that are missing.
  assert.equal(loaded.diagnostics.length + loaded.more, 19_999 + 1 + 2);
  assert.equal(loaded.diagnostics.length, 100);
});
