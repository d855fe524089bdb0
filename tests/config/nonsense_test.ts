import assert from "node:assert/strict";
import { formatDiagnostics } from "../../lib/config/diagnostic.ts";
import { Findings } from "../../lib/config/findings.ts";
import { nearest } from "../../lib/config/language/suggestions.ts";
import { loadConfig, type Loaded } from "../../lib/config/load.ts";

const MIB = 1024 * 1024;
const LISTENERS = `listeners: { web: { bind: "127.0.0.1:0", pool: app } }\n`;
const POOLS = `pools: { app: { targets: ["a:1"] } }\n`;
const TARGETS = `${LISTENERS}pools:\n  app:\n    targets:\n`;

function load(text: string, env: (name: string) => string | undefined = () => undefined): Loaded {
  return loadConfig(text, { file: "lb.yaml", env });
}

/** As many of a piece as fit into 1 MiB with room for what stands around it. */
function fill(piece: string): string {
  return piece.repeat(Math.floor((MIB - 500) / piece.length));
}

function rows(count: number, row: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => row(index)).join("");
}

/** What a confused template, a wrong file or an enemy may put where the configuration should be, and how many mistakes it has. */
const nonsense: { readonly [name: string]: readonly [text: () => string, mistakes: number] } = {
  "wrong keys": [() => rows(20_000, (i) => `key${i}: 1\n`), 20_002],
  "near misses of keys": [
    () => `${TARGETS}      - a:1\n${rows(20_000, (i) => `    helth${i}: 1\n`)}`,
    20_000,
  ],
  "duplicate keys": [() => rows(20_000, () => "a: 1\n"), 19_999 + 1 + 2],
  "wrong names": [() => `${LISTENERS}pools:\n${rows(20_000, (i) => `  "%${i}": 1\n`)}`, 20_001],
  "wrong targets": [() => TARGETS + rows(15_000, (i) => `      - a${i}\n`), 15_000],
  "one target, again and again": [() => TARGETS + rows(15_000, () => "      - a:1\n"), 14_999],
  "pools that do not exist": [
    () =>
      `listeners:\n${rows(4000, (i) => `  l${i}: { bind: "a:0", pool: pool${i} }\n`)}` +
      `pools:\n${rows(2000, (i) => `  poodle${i}${"x".repeat(40)}: { targets: ["a:1"] }\n`)}`,
    4000,
  ],
  "names that are not set": [() => TARGETS + rows(15_000, (i) => `      - \${UNSET${i}}\n`), 15_000],
  "names that are not set, in one text": [
    () => `${LISTENERS}pools: "${rows(100_000, (i) => `\${U${i}}`)}"`,
    1,
  ],
  "a mistake behind many aliases": [
    () =>
      `${LISTENERS}pools:\n  app: &p { targets: ["a:1"], hold: 5 }\n${rows(4000, (i) => `  p${i}: *p\n`)}`,
    1,
  ],
  "binds that clash": [
    () =>
      `listeners: { web: { pool: app, bind: [${
        rows(20_000, (i) => `"127.0.0.1:${i % 9 + 1}",`)
      }] } }\n${POOLS}`,
    19_991,
  ],
  "an alias bomb": [
    () => rows(12, (i) => `a${i}: &a${i} [${Array(12).fill(i === 0 ? "x" : `*a${i - 1}`).join(", ")}]\n`),
    1,
  ],
  "many listeners that inherit many binds": [
    () =>
      `defaults: { pool: app, bind: [${rows(4000, (i) => `a${i}:0, `)}] }\n${POOLS}` +
      `listeners:\n${rows(4000, (i) => `  l${i}: {}\n`)}`,
    1,
  ],
  "many pools that inherit many targets": [
    () =>
      `${LISTENERS}defaults: { targets: [${rows(4000, (i) => `a${i}:1, `)}] }\n` +
      `pools:\n${rows(4000, (i) => `  p${i}: {}\n`)}`,
    1,
  ],
  "too many pools": [() => `${LISTENERS}pools:\n${rows(6000, (i) => `  p${i}: {}\n`)}`, 1],
  "a list of numbers": [() => `a: [${fill("1,")}]`, 1],
  "a list of lists": [() => `[${fill("[],")}]`, 1],
  "commas": [() => `[${fill(",")}]`, 1],
  "a mapping in braces": [() => `{${rows(100_000, (i) => `a${i}: 1,`)}}`, 1],
  "keys": [() => fill("a: 1\n"), 1],
  "empty lines": [() => fill("\r\n"), 1],
  "comments": [() => fill("#\n"), 1],
  "block scalars": [() => fill("- |\n  x\n"), 1],
  "anchors": [() => fill("- &a 1\n"), 1],
  "tags": [() => fill("- !x\n"), 1],
  "explicit keys": [() => fill("?\n"), 1],
  "keys that are lists": [() => fill("[1]: 2\n"), 1],
  "documents": [() => fill("---\n"), 1],
  "directives": [() => fill("%YAML 1.2\n"), 1],
  "closing brackets": [() => fill("]"), 1],
  "opening brackets": [() => fill("["), 1],
  "wrong escapes in one text": [() => `a: "${fill("\\q")}"`, 1],
  "a wrong line of a million commas": [() => `a: {${fill(",,")}\${`, 1],
  "a line of a million colons": [() => ` [${fill(":")}]:`, 1],
  "an unfinished text of a million commas": [() => `a: "${fill(",")}`, 1],
  "a text without an end": [() => `a: "${fill("b\n")}`, 1],
  "one long text": [() => `${LISTENERS}pools: "${fill("x ")}"`, 1],
  "one long folded text": [() => `${LISTENERS}pools: >\n${fill("  x\n\n")}`, 1],
  "an address of colons": [() => `listeners: { web: { bind: "${fill("a:")}", pool: app } }\n${POOLS}`, 1],
  "an endless list of status codes": [
    () =>
      `${LISTENERS}pools: { app: { targets: ["a:1"], health: { expect: { status: "${fill("200,")}" } } } }`,
    1,
  ],
};

for (const [name, [text, mistakes]] of Object.entries(nonsense)) {
  Deno.test(`config: nonsense is answered with a hundred mistakes at most: ${name}`, () => {
    const loaded = load(text());
    assert.ok("diagnostics" in loaded);
    assert.equal(loaded.diagnostics.length + loaded.more, mistakes, loaded.diagnostics[0]?.message);
    assert.ok(loaded.diagnostics.length <= 100);
  });
}

Deno.test("config: eight thousand targets with three keys each, and thirty thousand binds, are no nonsense", () => {
  const target = (i: number) =>
    `      - address: "10.0.${i >> 8}.${i & 255}:80"\n        weight: 2\n        tier: 1\n`;
  const targets = load(TARGETS + rows(8000, target));
  assert.ok("config" in targets);
  assert.equal(targets.config.pools[0]?.targets.length, 8000);
  const binds = rows(30_000, (i) => `"127.0.${i >> 8}.${i & 255}:80",`);
  const bound = load(`listeners: { web: { pool: app, bind: [${binds}] } }\n${POOLS}`);
  assert.ok("config" in bound);
  assert.equal(bound.config.listeners[0]?.bind.length, 30_000);
});

Deno.test("config: of many mistakes in one text the first is reported", () => {
  assert.deepEqual(formatDiagnostics(load(`a: "b${"\\q".repeat(100)}"`)), [
    "lb.yaml:1:6: not valid YAML: Invalid escape sequence \\q",
  ]);
});

Deno.test("config: the messages of what is not listed are not made", () => {
  const findings = new Findings();
  let made = 0;
  for (let line = 1; line <= 100_000; line++) {
    findings.add({ at: { line, column: 1 }, path: undefined }, () => `mistake ${++made}`);
  }
  assert.equal(findings.kept.length + findings.more, 100_000);
  assert.ok(made <= 1000, `${made} messages`);
});

Deno.test("config: the messages of what an alias repeats are made a thousand times at most", () => {
  const findings = new Findings();
  const at = { line: 1, column: 1 };
  let made = 0;
  for (let use = 0; use < 100_000; use++) {
    const path = { parent: { parent: undefined, step: `pool${use}` }, step: "hold" };
    findings.add({ at, path }, () => `mistake ${Math.min(2, ++made)}`);
  }
  assert.deepEqual([findings.kept.length, findings.more], [2, 0]);
  assert.ok(made <= 1000, `${made} messages`);
});

Deno.test("config: a wrong word is compared with a few hundred others at most", () => {
  const words = Array.from({ length: 20_000 }, (_, index) => `pool-${index}`);
  assert.equal(nearest("p00l-1", words, {}), "pool-1");
  assert.equal(nearest("zebra", [...words, "zebras"], {}), undefined);
});

Deno.test("config: the first hundred mistakes are listed in file order, and the last line counts the others", () => {
  const lines = formatDiagnostics(load(TARGETS + rows(250, (i) => `      - a${i}\n`)));
  assert.equal(lines.length, 101);
  assert.match(lines[0] ?? "", /^lb\.yaml:5:9 pools\.app\.targets\[0\]: "a0" has no port/);
  assert.match(lines[99] ?? "", /^lb\.yaml:104:9 pools\.app\.targets\[99\]/);
  assert.equal(lines[100], "and 150 more mistakes");
  assert.equal(
    formatDiagnostics(load(TARGETS + rows(101, (i) => `      - a${i}\n`))).at(-1),
    "and 1 more mistake",
  );
  assert.equal(formatDiagnostics(load(TARGETS + rows(100, (i) => `      - a${i}\n`))).length, 100);
});

Deno.test("config: notes are bounded as mistakes are", () => {
  const loaded = load(
    `${LISTENERS}pools:\n  app: { targets: ["a:1"] }\n${rows(300, (i) => `  p${i}: { targets: ["a:1"] }\n`)}`,
  );
  assert.ok("config" in loaded);
  assert.equal(loaded.config.pools.length, 301);
  assert.equal(loaded.notes.length, 100);
  assert.equal(formatDiagnostics(loaded).at(-1), "and 200 more notes");
});

Deno.test("config: a name of the environment is looked up once, and what it stands for may not fill the memory", () => {
  let lookups = 0;
  const big = (): string => {
    lookups += 1;
    return "x".repeat(128 * 1024);
  };
  const loaded = load(TARGETS + rows(15_000, () => "      - ${BIG}\n"), big);
  assert.equal(lookups, 1);
  assert.ok("diagnostics" in loaded);
  assert.match(loaded.diagnostics.at(-1)?.message ?? "", /^makes the file longer than 1 MiB/);
});

Deno.test("config: a file over 1 MiB is refused unread", () => {
  const loaded = load(`# ${"x".repeat(MIB)}\n${LISTENERS}${POOLS}`);
  assert.match(formatDiagnostics(loaded).join(), /longer than 1 MiB/);
});
