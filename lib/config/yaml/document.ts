import { printable } from "../../values/printable.ts";
import { Findings } from "../findings.ts";
import type { Environment } from "./environment.ts";
import { expand } from "./expansion.ts";
import type { LocatedValue } from "./located.ts";
import { NodeReader } from "./node_reader.ts";
import { isScalar, MAX_DEPTH, MAX_WORDS, type Parsed, parseYaml, type SyntaxMistake } from "./parser.ts";
import type { Position } from "./position.ts";

/** The value of a file with its positions, or nothing but findings when it cannot be read. */
export interface ReadDocument {
  readonly root: LocatedValue | undefined;
  readonly findings: Findings;
}

const MAX_LENGTH = 1024 * 1024;
const START: Position = { line: 1, column: 1 };

/**
 * Reads one YAML document of at most 1 MiB, 100 levels, 160,000 words and signs, and 100,000 values with its aliases expanded.
 * References to the environment are replaced in values, not in keys. A mistake of the syntax is reported alone: the
 * parser's further mistakes are most often its consequences.
 */
export function readDocument(text: string, env: Environment): ReadDocument {
  if (text.length > MAX_LENGTH) {
    return unreadable(START, "the file is longer than 1 MiB; split or shorten it");
  }
  const source = text.startsWith("\ufeff") ? text.slice(1) : text;
  const parsed = parseYaml(source);
  if (parsed.kind !== "document") return unreadable(positionOf(parsed), problemOf(parsed, source));
  const { document, lines } = parsed;
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return unreadable(START, "the file is empty; write at least listeners and pools");
  }
  const findings = new Findings();
  const reader = new NodeReader({ document, lines, env, findings });
  const part = reader.read(document.contents);
  if (reader.tooDeepAt !== undefined) return unreadable(reader.tooDeepAt, TOO_DEEP);
  return { root: expand(part, findings), findings };
}

const TOO_DEEP = `values nest deeper than ${MAX_DEPTH} levels; flatten the file`;
const TOO_LARGE = `here the file becomes larger than ${MAX_WORDS / 1000},000 words and signs; ` +
  `shorten it: a target without settings of its own needs only "host:port"`;

function unreadable(at: Position, message: string): ReadDocument {
  const findings = new Findings();
  findings.add({ at, path: undefined }, () => message);
  return { root: undefined, findings };
}

type Unparsed = Exclude<Parsed, { readonly kind: "document" }>;

function positionOf(parsed: Unparsed): Position {
  const { line, col } = parsed.lines.linePos(
    parsed.kind === "mistake" ? parsed.mistake.offset : parsed.offset,
  );
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function problemOf(parsed: Unparsed, source: string): string {
  if (parsed.kind === "mistake") return syntaxProblem(parsed.mistake, source);
  return parsed.kind === "tooDeep" ? TOO_DEEP : TOO_LARGE;
}

function syntaxProblem({ code, message, offset }: SyntaxMistake, source: string): string {
  if (code === "MULTIPLE_DOCS") return `a second document starts here; keep one and remove the "---"`;
  const text = printable((message.split("\n")[0] ?? "").slice(0, 160)).replace(/(["'])quote/, "quote $1");
  return `not valid YAML: ${text}${hint(lineAround(source, offset))}`;
}

/** A line of the file, or a piece of a long one: what searches it takes the square of its length. */
function lineAround(source: string, offset: number): string {
  const before = source.slice(Math.max(0, offset - 200), offset);
  const after = source.slice(offset, offset + 200);
  return before.slice(before.lastIndexOf("\n") + 1) + (after.split("\n")[0] ?? "");
}

/** The two slips this language invites: both are right YAML only in quotes. */
function hint(line: string): string {
  if (/[{[,].*\$\{/.test(line)) return `; inside { } and [ ] a \${NAME} needs quotes or a line of its own`;
  if (/(?:^|[\s,[])\[[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\]:/.test(line)) {
    return `; an IPv6 address needs quotes: "[::1]:80"`;
  }
  return "";
}
