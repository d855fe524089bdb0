import assert from "node:assert/strict";
import { formatDiagnostic } from "../../../lib/config/diagnostic.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { parseYaml } from "../../../lib/config/yaml/parser.ts";

function linesOf(text: string): readonly string[] {
  const loaded = loadConfig(text, { file: "lb.yaml", env: () => undefined });
  return ("config" in loaded ? loaded.notes : loaded.diagnostics).map(formatDiagnostic);
}

function indented(line: string, levels: number): string {
  return Array.from({ length: levels }, (_, level) => " ".repeat(level) + line).join("\n");
}

/** Every way in which YAML nests, each far deeper than a stack allows and just deeper than the language does. */
const nesting: { readonly [name: string]: (levels: number) => string } = {
  "lists in brackets": (levels) => "[".repeat(levels) + "]".repeat(levels),
  "open brackets": (levels) => "[".repeat(levels),
  "open braces": (levels) => "{".repeat(levels),
  "mappings in braces": (levels) => "{a: ".repeat(levels) + "1" + "}".repeat(levels),
  "pairs in brackets": (levels) => "[a: ".repeat(levels) + "1" + "]".repeat(levels),
  "keys in brackets": (levels) => "? [".repeat(levels),
  "lists in one line": (levels) => "- ".repeat(levels) + "a",
  "keys that are keys": (levels) => "? ".repeat(levels) + "a",
  "keys and items by turns": (levels) => "? - ".repeat(levels) + "a",
  "JSON": (levels) => '{"a":'.repeat(levels) + "1" + "}".repeat(levels),
};

for (const [name, nest] of Object.entries(nesting)) {
  Deno.test(`config: what nests too deeply is one mistake: ${name}`, () => {
    for (const levels of [102, 150, 1000, 9000, 100_000]) {
      const lines = linesOf(nest(levels));
      assert.equal(lines.length, 1, `${levels} levels`);
      assert.match(
        lines[0] ?? "",
        /^lb\.yaml:\d+:\d+: values nest deeper than 100 levels/,
        `${levels} levels`,
      );
    }
  });
}

Deno.test("config: lines that go ever deeper are one mistake", () => {
  for (const text of [indented("a:", 1000), indented("-", 1000), indented("? ", 1000)]) {
    assert.match(linesOf(text).join("\n"), /^lb\.yaml:\d+:\d+: values nest deeper than 100 levels[^\n]*$/);
  }
});

Deno.test("config: a hundred levels are not too deep, brackets in a text are none", () => {
  for (
    const text of ["[".repeat(100) + "]".repeat(100), `a: "${"[".repeat(100_000)}"`, indented("a:", 100)]
  ) {
    assert.doesNotMatch(linesOf(text).join("\n"), /nest deeper/);
  }
});

Deno.test("config: a chain of aliases that grows too deep is one mistake", () => {
  const levels = Array.from({ length: 200 }, (_, level) => {
    return `a${level}: &a${level} [${level === 0 ? "x" : `*a${level - 1}`}]`;
  });
  assert.match(
    linesOf(levels.join("\n")).join("\n"),
    /^lb\.yaml:\d+:\d+ [^\n]*: values nest deeper than 100/,
  );
});

Deno.test("config: the parser stops at the bracket that is too deep and reads no further", () => {
  const parsed = parseYaml("[".repeat(1_000_000));
  assert.equal(parsed.kind, "tooDeep");
  assert.ok("offset" in parsed && parsed.offset < 200);
});
