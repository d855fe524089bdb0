import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDiagnostic } from "../../lib/config/diagnostic.ts";
import { loadConfig } from "../../lib/config/load.ts";

const seed = Deno.readTextFileSync(new URL("whole_language.yaml", import.meta.url)).replace(/ +#.*/g, "");
const PIECES = [
  "none",
  "0",
  "5",
  "-1",
  "5s",
  "null",
  "&a ",
  "*a",
  "[",
  "]",
  "{",
  "}",
  ": ",
  "- ",
  "\n",
  "\t",
  "${A}",
  "${B:-[::]:1}",
  "$${",
  '"${A}"',
  "'${A}${A}'",
  "check: url",
  'url: "http://{host}:{port}/"',
  "url: http://a@{host}",
  "resolve: { interval: ",
  `"`,
  "'",
  "|",
  ">",
  "!!str ",
  "!x ",
  "__proto__: ",
  "constructor: ",
  "? ",
  "<<: *a",
  "\u2028",
  "\u0000",
  "\r",
  "\ufeff",
  "---\n",
  "%YAML 1.1\n",
  "targets: ",
  "health: ",
  "servers: ",
  "a:1",
  "[a:1, a:1]",
  "\ud800",
  "0.0.0.0:8080",
  "1e999",
  ".nan",
  "~",
];

/** A whole file with pieces put in, taken out or doubled at random places. */
const mutated = fc.array(
  fc.record({ at: fc.nat(seed.length), cut: fc.nat(12), piece: fc.constantFrom(...PIECES, "") }),
  { minLength: 1, maxLength: 6 },
).map((edits) =>
  edits.reduce((text, { at, cut, piece }) => text.slice(0, at) + piece + text.slice(at + cut), seed)
);

const loose = fc.array(fc.constantFrom(...PIECES, "listeners", "pools", "app", ":", " ", "\n  "), {
  maxLength: 40,
})
  .map((parts) => parts.join(""));

/** A right file with keys left out, so that inheritance has to fill them in. */
const thinned = fc.infiniteStream(fc.boolean()).map((keep) => {
  const lines = seed.split("\n").map((line) =>
    line.replace(/^( +)- \{ (address: [^,]*).*/, "$1- { $2, tier: 1 }\n$1- b:1")
  );
  return lines.filter((line) =>
    /^(?:listeners|pools|defaults| +(?:web|app|bind|pool|targets|timeouts|health|-))/.test(line) ||
    keep.next().value
  )
    .join("\n");
});

/** Right YAML with any values in the right places: it comes past the parser and meets the schema. */
const shaped = fc.record({
  listeners: fc.dictionary(fc.constantFrom("a", "b", "__proto__", "x y"), fc.object({ maxDepth: 1 })),
  pools: fc.dictionary(
    fc.constantFrom("a", "b", "constructor"),
    fc.record({
      targets: fc.oneof(
        fc.anything({ maxDepth: 1 }),
        fc.array(fc.constantFrom("a:1", "b:2", { weight: 0 }, 5, null)),
      ),
      health: fc.oneof(
        fc.jsonValue(),
        fc.record({
          check: fc.constantFrom("http", "none", "url", 1),
          url: fc.constantFrom("http://{host}/", "http://{x}", "//", 5),
          rise: fc.oneof(fc.jsonValue(), fc.constant("${A}")),
        }, { requiredKeys: ["check"] }),
      ),
      timeouts: fc.dictionary(fc.constantFrom("idle", "connect", "conect"), fc.jsonValue()),
      resolve: fc.oneof(fc.jsonValue(), fc.constant({ interval: "5s" })),
      slowStart: fc.constantFrom("5s", 5, "none", 0, false),
    }, { requiredKeys: [] }),
  ),
  defaults: fc.jsonValue(),
  admin: fc.jsonValue(),
}, { requiredKeys: [] }).map((value) =>
  JSON.stringify(value, (_, each) => typeof each === "bigint" ? 1 : each) ?? ""
);

/** The long form is a million; what is run each time has to fit into a minute with everything else. */
const runs = Deno.env.get("SOAK") === undefined ? 1_000 : 1_000_000;

Deno.test("config: no text makes it throw, and every diagnostic is one line with a position", () => {
  const check = (text: string) => {
    const loaded = loadConfig(text, { file: "lb.yaml", env: (name) => name === "A" ? "7" : undefined });
    const diagnostics = "diagnostics" in loaded ? loaded.diagnostics : loaded.notes;
    if ("diagnostics" in loaded) assert.ok(diagnostics.length > 0);
    assert.ok(diagnostics.length <= 100);
    for (const each of diagnostics) {
      assert.ok(each.line >= 1 && each.column >= 1, formatDiagnostic(each));
      // deno-lint-ignore no-control-regex -- what must never come through
      assert.doesNotMatch(formatDiagnostic(each), /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    }
  };
  fc.assert(fc.property(fc.oneof(mutated, thinned, loose, shaped, fc.string({ unit: "binary" })), check), {
    numRuns: runs,
    seed: 20_240_601,
  });
});
