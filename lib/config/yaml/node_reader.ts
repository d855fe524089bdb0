import { quoted } from "../../values/printable.ts";
import type { Findings } from "../findings.ts";
import { type Environment, References } from "./environment.ts";
import type { Entry, Part } from "./expansion.ts";
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  MAX_DEPTH,
  type Node,
  type Scalar,
  type YAMLMap,
} from "./parser.ts";
import { extend, type Path, type Position } from "./position.ts";

/** What a NodeReader works on; what is wrong goes to `findings`. */
export interface NodeReaderOptions {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly env: Environment;
  readonly findings: Findings;
}

/** A node that is being read: where it stands when it has no position of its own, and what is around it. */
interface Context {
  readonly path: Path;
  readonly depth: number;
  readonly at: Position;
}

/** Turns the parser's nodes into parts, each node once however often aliases name it. */
export class NodeReader {
  /** Where the nesting became too deep; the parts are of no use then. */
  tooDeepAt: Position | undefined = undefined;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #references: References;
  readonly #findings: Findings;
  /** The part of each anchor as of now: an alias means the nearest anchor before it. */
  readonly #anchors = new Map<string, Part>();

  constructor({ document, lines, env, findings }: NodeReaderOptions) {
    this.#document = document;
    this.#lines = lines;
    this.#references = new References(env);
    this.#findings = findings;
  }

  /** Reads the contents of the document. */
  read(contents: Node): Part {
    return this.#part(contents, { path: undefined, depth: 0, at: { line: 1, column: 1 } });
  }

  #part(node: Node | null | undefined, context: Context): Part {
    const at = this.#positionOf(node) ?? context.at;
    const { path, depth } = context;
    // The parser bounds this too, but a pair inside a list in brackets is a level that only the nodes have.
    if (depth > MAX_DEPTH) {
      this.tooDeepAt ??= at;
      return { kind: "scalar", value: null, unquoted: undefined, at };
    }
    if (isAlias(node)) return this.#alias(node, { path, depth, at });
    if (isMap(node)) return this.#map(node, { path, depth, at });
    if (isSeq(node)) {
      const items: Part[] = [];
      const list: Part = { kind: "list", items, at };
      // Named before its items are read, so that an alias inside it is seen as a circle.
      if (node.anchor !== undefined) this.#anchors.set(node.anchor, list);
      for (const [index, item] of node.items.entries()) {
        items.push(this.#part(item as Node, { path: extend(path, index), depth: depth + 1, at }));
      }
      return list;
    }
    const scalar = isScalar(node) ? this.#scalar(node, { path, depth, at }) : plain(null, at);
    if (isScalar(node) && node.anchor !== undefined) this.#anchors.set(node.anchor, scalar);
    return scalar;
  }

  #map(node: YAMLMap, { at, path, depth }: Context): Part {
    const entries: Entry[] = [];
    const map: Part = { kind: "map", entries, at };
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, map);
    const seen = new Map<string, Position>();
    for (const pair of node.items) {
      const keyAt = this.#positionOf(pair.key as Node | null) ?? at;
      const key = keyText(pair.key);
      if (key === undefined) {
        this.#findings.add({ at: keyAt, path }, () => "has a key that is not a plain word; write KEY: VALUE");
        continue;
      }
      const inside = { path: extend(path, key), depth: depth + 1, at: keyAt };
      const value = this.#part(pair.value as Node | null, inside);
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, keyAt);
        entries.push({ key, keyAt, value });
      } else {
        const lines = `stands here a second time, first on line ${first.line}; remove one of the two`;
        this.#findings.add(inside, () => `${quoted(key)} ${lines}`);
      }
    }
    return map;
  }

  #alias(node: Alias, { at, path }: Context): Part {
    const target = this.#anchors.get(node.source);
    if (target !== undefined) return { kind: "alias", target, at };
    this.#findings.add(
      { at, path },
      () => `alias ${quoted(node.source)} has no anchor before it; write &NAME where it is meant`,
    );
    return plain(UNREAD, at);
  }

  #scalar(node: Scalar, { at, path }: Context): Part {
    // Tags of old YAML versions make dates and bytes; this language has only what can be written plainly.
    const value = typeof node.value === "object" && node.value !== null ? (node.source ?? "") : node.value;
    if (typeof value !== "string") return plain(typeof value === "bigint" ? Number(value) : value, at);
    const result = this.#references.replaceIn(value);
    if (result.kind === "problem") {
      this.#findings.add({ at, path }, () => result.message);
      return plain(UNREAD, at);
    }
    if (!result.changed || node.tag !== undefined) return plain(result.text, at);
    const reread = this.#reread(result.text);
    if (node.type === "PLAIN") return plain(reread, at);
    const unquoted = typeof reread === "number" || typeof reread === "boolean" ? reread : undefined;
    return { kind: "scalar", value: result.text, unquoted, at };
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

  #positionOf(node: Node | null | undefined): Position | undefined {
    if (!node?.range) return undefined;
    const { line, col } = this.#lines.linePos(node.range[0]);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** Stands for a value that could not be read. It has its finding, and no check adds another, whatever alias leads to it. */
const UNREAD = undefined;

function plain(value: unknown, at: Position): Part {
  return { kind: "scalar", value, unquoted: undefined, at };
}

function keyText(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
}
