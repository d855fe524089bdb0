import { printable, quoted } from "../values/printable.ts";
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Alias, Document, Node, Scalar, YAMLMap } from "yaml";
import type { Step } from "./diagnostic.ts";
import { type Environment, substitute } from "./environment.ts";
import { type Entry, expand, type Part } from "./expansion.ts";
import type { Finding, Located, Place } from "./located.ts";

/** The value of a file and where each part of it stands, or only the mistakes that keep it from being read. */
export type ReadDocument =
  | { readonly kind: "unreadable"; readonly findings: readonly Finding[] }
  | {
    readonly kind: "read";
    readonly value: unknown;
    readonly root: Located;
    readonly findings: readonly Finding[];
  };

const LONGEST_FILE = 1024 * 1024;
const DEEPEST = 100;

/**
 * Reads one YAML document of at most 1 MiB, 200,000 values with its aliases expanded, 100 levels.
 * References to the environment are replaced in values, not in keys. A mistake of the syntax is reported alone: what the parser
 * says after it is most often its consequence.
 */
export function readDocument(text: string, env: Environment): ReadDocument {
  const start: Place = { line: 1, column: 1 };
  if (text.length > LONGEST_FILE) {
    return unreadable(start, "the file is longer than 1 MiB; split or shorten it");
  }
  const source = text.startsWith("\ufeff") ? text.slice(1) : text;
  if (opensTooMany(source)) return unreadable(start, tooDeep());
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    // Unique keys are checked below: the parser compares each key with all others.
    document = parseDocument(source, { uniqueKeys: false, prettyErrors: false, lineCounter: lines });
  } catch (error) {
    if (error instanceof RangeError) return unreadable(start, tooDeep());
    throw error;
  }
  const syntax = syntaxMistake(document, source, lines);
  if (syntax !== undefined) return { kind: "unreadable", findings: [syntax] };
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return unreadable(start, "the file is empty; write at least listeners and pools");
  }
  const survey = new Survey(document, lines, env);
  const part = survey.part(document.contents, [], 0);
  if (survey.deep !== undefined) return unreadable(survey.deep, tooDeep());
  const expanded = expand(part);
  if (expanded.kind === "problem") {
    return { kind: "unreadable", findings: [...survey.findings, expanded.finding] };
  }
  return { kind: "read", value: expanded.value, root: expanded.root, findings: survey.findings };
}

function unreadable(at: Place, message: string): ReadDocument {
  return { kind: "unreadable", findings: [{ at, path: [], message }] };
}

/** A guard before the parser, which takes minutes over a million open brackets; far above what text in quotes may hold. */
function opensTooMany(source: string): boolean {
  let open = 0;
  for (let index = 0; index < source.length; index++) {
    const character = source[index];
    if (character === "[" || character === "{") open += 1;
    else if (character === "]" || character === "}") open = Math.max(0, open - 1);
    if (open > 5000) return true;
  }
  return false;
}

function tooDeep(): string {
  return `values nest deeper than ${DEEPEST} levels; flatten the file`;
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function syntaxMistake(document: Document.Parsed, source: string, lines: LineCounter): Finding | undefined {
  const found = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])[0];
  if (found === undefined) return undefined;
  const at = placeAt(lines, found.pos[0]);
  // The parser answers its own stack overflow as a mistake of the file.
  if (found.message.startsWith("Maximum call stack")) return { at, path: [], message: tooDeep() };
  if (found.code === "MULTIPLE_DOCS") {
    return { at, path: [], message: `a second document starts here; keep one and remove the "---"` };
  }
  const said = printable((found.message.split("\n")[0] ?? "").slice(0, 160)).replace(
    /(["'])quote/,
    "quote $1",
  );
  return { at, path: [], message: `not valid YAML: ${said}${hint(source.split("\n")[at.line - 1] ?? "")}` };
}

/** The two slips this language invites: both are right YAML only in quotes. */
function hint(line: string): string {
  if (/[{[,].*\$\{/.test(line)) return `; inside { } and [ ] a \${NAME} needs quotes or a line of its own`;
  if (/(?:^|[\s,[])\[[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\]:/.test(line)) {
    return `; an IPv6 address needs quotes: "[::1]:80"`;
  }
  return "";
}

/** Turns the parser's nodes into parts, each node once however often aliases name it, and collects the mistakes on the way. */
class Survey {
  readonly findings: Finding[] = [];
  /** Where the nesting became too deep. */
  deep: Place | undefined = undefined;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #env: Environment;
  /** The part of each anchor as of now: an alias means the nearest anchor before it. */
  readonly #anchors = new Map<string, Part>();

  constructor(document: Document.Parsed, lines: LineCounter, env: Environment) {
    this.#document = document;
    this.#lines = lines;
    this.#env = env;
  }

  part(node: Node | null | undefined, path: readonly Step[], depth: number, fallback?: Place): Part {
    const at = this.#place(node) ?? fallback ?? { line: 1, column: 1 };
    if (depth > DEEPEST) {
      this.deep ??= at;
      return { kind: "scalar", value: null, at };
    }
    if (isAlias(node)) return this.#alias(node, at, path);
    if (isMap(node)) return this.#map(node, at, path, depth);
    if (isSeq(node)) {
      const items: Part[] = [];
      const list: Part = { kind: "list", items, at };
      // Named before its items are read, so that an alias inside it is seen as a circle.
      if (node.anchor !== undefined) this.#anchors.set(node.anchor, list);
      node.items.forEach((item, index) =>
        items.push(this.part(item as Node, [...path, index], depth + 1, at))
      );
      return list;
    }
    const scalar: Part = { kind: "scalar", value: isScalar(node) ? this.#value(node, at, path) : null, at };
    if (isScalar(node) && node.anchor !== undefined) this.#anchors.set(node.anchor, scalar);
    return scalar;
  }

  #map(node: YAMLMap, at: Place, path: readonly Step[], depth: number): Part {
    const entries: Entry[] = [];
    const map: Part = { kind: "map", entries, at };
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, map);
    const seen = new Map<string, Place>();
    for (const pair of node.items) {
      const keyAt = this.#place(pair.key as Node | null) ?? at;
      const key = keyText(pair.key);
      if (key === undefined) {
        this.findings.push({
          at: keyAt,
          path,
          message: "has a key that is not a plain word; write KEY: VALUE",
        });
        continue;
      }
      const value = this.part(pair.value as Node | null, [...path, key], depth + 1, keyAt);
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, keyAt);
        entries.push({ key, keyAt, value });
      } else {
        const message = `${
          quoted(key)
        } stands here a second time, first on line ${first.line}; remove one of the two`;
        this.findings.push({ at: keyAt, path: [...path, key], message });
      }
    }
    return map;
  }

  #alias(node: Alias, at: Place, path: readonly Step[]): Part {
    const target = this.#anchors.get(node.source);
    if (target === undefined) {
      const name = quoted(node.source);
      this.findings.push({
        at,
        path,
        message: `alias ${name} has no anchor before it; write &NAME where it is meant`,
      });
      return { kind: "scalar", value: null, at };
    }
    return { kind: "alias", target, at };
  }

  #value(node: Scalar, at: Place, path: readonly Step[]): unknown {
    // Tags of old YAML versions make dates and bytes; this language has only what can be written plainly.
    const plain = typeof node.value === "object" && node.value !== null ? (node.source ?? "") : node.value;
    if (typeof plain !== "string") return typeof plain === "bigint" ? Number(plain) : plain;
    const result = substitute(plain, this.#env);
    if (result.kind === "problem") {
      this.findings.push({ at, path, message: result.message });
      return null;
    }
    return result.changed && node.type === "PLAIN" && node.tag === undefined
      ? this.#reread(result.text)
      : result.text;
  }

  /** Reads a plain scalar again after its references are replaced: `${W:-3}` is the number 3, never a list or a mapping. */
  #reread(text: string): unknown {
    for (const tag of this.#document.schema.tags) {
      if (tag.collection !== undefined || tag.default !== true || tag.test?.test(text) !== true) continue;
      const value = tag.resolve(text, () => {}, this.#document.options);
      return isScalar(value) ? value.value : value;
    }
    return text;
  }

  #place(node: Node | null | undefined): Place | undefined {
    return node?.range ? placeAt(this.#lines, node.range[0]) : undefined;
  }
}

function keyText(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
}
