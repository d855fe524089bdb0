/** The YAML library, imported here alone: from a text to a tree of nodes, with a bound on what the library may be made to do. */
import process from "node:process";
import { Composer, type Document, Lexer, LineCounter, Parser } from "yaml";

export { isAlias, isMap, isScalar, isSeq } from "yaml";
export type { Alias, Document, LineCounter, Node, Scalar, YAMLMap } from "yaml";

/**
 * How many words and signs a file may have; three gaps, line breaks or comments count as one, which is what they cost. About half
 * a second of parsing: 8,000 targets with an address and two more keys each have 157,000.
 */
export const MAX_WORDS = 160_000;

/** How many levels of lists and mappings a file may have. */
export const MAX_DEPTH = 100;

/** A mistake of the syntax in the library's words; `code` is its name for the kind. */
export interface SyntaxMistake {
  readonly offset: number;
  readonly code: string;
  readonly message: string;
}

/** A tree of nodes, or why there is none; offsets are those of `lines`. */
export type Parsed =
  | { readonly kind: "document"; readonly document: Document.Parsed; readonly lines: LineCounter }
  | { readonly kind: "mistake"; readonly mistake: SyntaxMistake; readonly lines: LineCounter }
  | { readonly kind: "tooDeep" | "tooLarge"; readonly offset: number; readonly lines: LineCounter };

/** Only the first mistake is reported; some more are collected because the library does not find them in the order of the file. */
const MAX_MISTAKES = 20;

/** Parses one YAML document. Never throws, reads no environment variable and writes nothing, for any text. */
export function parseYaml(source: string): Parsed {
  return withoutEnvironment(() => new Parse().run(source));
}

/**
 * Runs the library with an empty environment. It prints what it reads when LOG_TOKENS or LOG_STREAM is set, and reads both
 * variables at each token, which needs a permission. Because it is synchronous, a property of one JavaScript object can be exchanged
 * while it runs: no other thread and no other code of this one sees that, and the variables of the process stay as they are.
 */
function withoutEnvironment<T>(parse: () => T): T {
  const environment = process.env;
  process.env = {};
  try {
    return parse();
  } finally {
    process.env = environment;
  }
}

/** Stops the library, which has no other way to be stopped; thrown and caught in this file alone. */
class Enough extends Error {}

/**
 * One run of the library's three stages (lexer, parser, composer), a token at a time so that each bound holds before the work is
 * done: brackets that nest a million deep would take minutes and then the stack.
 */
class Parse {
  readonly #lines = new LineCounter();
  readonly #parser = new Parser(this.#lines.addNewLine);
  // Unique keys are checked by the caller: the library compares each key with all others.
  readonly #composer = new Composer({ uniqueKeys: false, prettyErrors: false });
  readonly #mistakes: SyntaxMistake[] = [];
  #document: Document.Parsed | undefined;

  constructor() {
    // The library's own handler makes an Error with a stack for each mistake, half a million of them in one quoted text.
    Object.assign(this.#composer, {
      onError: (source: ErrorSource, code: string, message: string) =>
        this.#addMistake({ offset: offsetOf(source), code, message }),
    });
  }

  run(source: string): Parsed {
    const lines = this.#lines;
    try {
      const bound = this.#readAll(source);
      if (bound !== undefined) return { kind: bound, offset: this.#parser.offset, lines };
    } catch (error) {
      if (error instanceof RangeError) return { kind: "tooDeep", offset: this.#parser.offset, lines };
      if (!(error instanceof Enough)) throw error;
    }
    const mistake = this.#mistakes.sort((a, b) => a.offset - b.offset)[0];
    if (mistake !== undefined) return { kind: "mistake", mistake, lines };
    // The composer gives a document for any text, if need be an empty one.
    return { kind: "document", document: this.#document!, lines };
  }

  #readAll(source: string): "tooDeep" | "tooLarge" | undefined {
    this.#lines.addNewLine(0);
    let thirds = 0;
    for (const lexeme of new Lexer().lex(source)) {
      thirds += isGap(lexeme) ? 1 : 3;
      if (thirds > 3 * MAX_WORDS) return "tooLarge";
      for (const token of this.#parser.next(lexeme)) this.#compose(token);
      // The document itself and the innermost value are on the stack too.
      if (this.#parser.stack.length > MAX_DEPTH + 2) return "tooDeep";
    }
    for (const token of this.#parser.end()) this.#compose(token);
    this.#take(this.#composer.end(true, source.length));
    return undefined;
  }

  #compose(token: Parameters<Composer["next"]>[0]): void {
    if (token.type !== "error") return this.#take(this.#composer.next(token));
    const { offset, message, source } = token;
    const text = source === "" ? message : `${message}: ${JSON.stringify(source.slice(0, 160))}`;
    this.#addMistake({ offset, code: "UNEXPECTED_TOKEN", message: text });
  }

  #take(documents: Iterable<Document.Parsed>): void {
    for (const document of documents) {
      if (this.#document === undefined) this.#document = document;
      else this.#addMistake({ offset: document.range[0], code: "MULTIPLE_DOCS", message: "" });
    }
  }

  #addMistake(mistake: SyntaxMistake): void {
    // The library catches what is thrown while a scalar is read, and reports it as one more mistake.
    if (this.#mistakes.length >= MAX_MISTAKES) throw new Enough();
    this.#mistakes.push(mistake);
  }
}

function isGap(lexeme: string): boolean {
  const first = lexeme[0];
  return first === " " || first === "\n" || first === "\r" || first === "\t" || first === "#";
}

/** The forms in which the library gives the position of a mistake. */
type ErrorSource = number | readonly number[] | { readonly offset: number };

function offsetOf(source: ErrorSource): number {
  if (typeof source === "number") return source;
  return "offset" in source ? source.offset : (source[0] ?? 0);
}
