import { quoted } from "../../values/printable.ts";

/** Returns the value of a name in the environment; undefined means it is not set. */
export type Environment = (name: string) => string | undefined;

/** A text after its references are replaced; `changed` is true when there were any. */
export type Replaced =
  | { readonly kind: "text"; readonly text: string; readonly changed: boolean }
  | { readonly kind: "problem"; readonly message: string };

/** One reference may stand a hundred thousand times in a file, and its value be 128 KiB long. */
const MAX_REPLACED_LENGTH = 1024 * 1024;
const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g;
const WELL_FORMED = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}$/;

/** Replaces the references of one file; each name is read from the environment once. */
export class References {
  readonly #env: Environment;
  readonly #values = new Map<string, string | undefined>();
  /** The length of all texts with references so far, as they became. */
  #length = 0;

  constructor(env: Environment) {
    this.#env = env;
  }

  /**
   * Replaces `${NAME}` and `${NAME:-default}` (the default also stands in for an empty value, as in a shell) and `$${` by `${`.
   * What comes out is not searched again. A name that is not set and has no default is a problem, all of them in one message;
   * so is the text with which the file becomes longer than 1 MiB.
   */
  replaceIn(text: string): Replaced {
    if (!text.includes("${")) return { kind: "text", text, changed: false };
    const parts: string[] = [];
    const unset = new Set<string>();
    let end = 0;
    for (const match of text.matchAll(REFERENCE)) {
      const read = match[0] === "$${" ? "${" : this.#read(match[0]);
      if (typeof read === "string") this.#length += match.index - end + read.length;
      else if (read.kind === "malformed") return { kind: "problem", message: malformed(match[0]) };
      else unset.add(read.name);
      if (this.#length > MAX_REPLACED_LENGTH) {
        return { kind: "problem", message: "makes the file longer than 1 MiB; shorten what is set" };
      }
      if (typeof read === "string") parts.push(text.slice(end, match.index), read);
      end = match.index + match[0].length;
    }
    if (unset.size > 0) return { kind: "problem", message: unsetMessage([...unset]) };
    parts.push(text.slice(end));
    return { kind: "text", text: parts.join(""), changed: true };
  }

  #read(reference: string): string | Unread {
    const match = WELL_FORMED.exec(reference);
    const name = match?.[1];
    if (match === null || name === undefined) return { kind: "malformed" };
    const value = this.#valueOf(name);
    const fallback = match[2];
    if (fallback !== undefined) return value === undefined || value === "" ? fallback : value;
    return value ?? { kind: "unset", name };
  }

  #valueOf(name: string): string | undefined {
    if (!this.#values.has(name)) this.#values.set(name, this.#env(name));
    return this.#values.get(name);
  }
}

type Unread = { readonly kind: "malformed" } | { readonly kind: "unset"; readonly name: string };

function malformed(reference: string): string {
  return `${
    quoted(reference)
  } is not a reference; write \${NAME} or \${NAME:-default}, or $\${ for a plain \${`;
}

function unsetMessage(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `\${${name.slice(0, 60)}}`).join(" and ");
  const first = (names[0] ?? "NAME").slice(0, 60);
  return `${shown} is not set in the environment; set it, or write \${${first}:-default}`;
}
