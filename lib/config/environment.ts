import { quoted } from "../values/printable.ts";

/** Looks a name up in the environment; undefined means it is not set. */
export type Environment = (name: string) => string | undefined;

/** What became of the references in a text; `changed` tells whether there were any. */
export type Substitution =
  | { readonly kind: "text"; readonly text: string; readonly changed: boolean }
  | { readonly kind: "problem"; readonly message: string };

// One reference may stand a hundred thousand times in a file and its value be long.
const LONGEST_RESULT = 1024 * 1024;
const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g;
const WELL_FORMED = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}$/;

/**
 * Replaces `${NAME}` and `${NAME:-default}` (the default also stands in for an empty value, as in a shell) and `$${` by `${`.
 * What comes out is not searched again. A name that is not set and has no default is a problem, all of them in one message.
 */
export function substitute(text: string, env: Environment): Substitution {
  if (!text.includes("${")) return { kind: "text", text, changed: false };
  const parts: string[] = [];
  const unset = new Set<string>();
  let length = 0;
  let end = 0;
  for (const match of text.matchAll(REFERENCE)) {
    const read = match[0] === "$${" ? "${" : readReference(match[0], env);
    if (typeof read !== "string" && read.kind === "malformed") {
      return {
        kind: "problem",
        message: `${
          quoted(match[0])
        } is not a reference; write \${NAME} or \${NAME:-default}, or $\${ for a plain \${`,
      };
    }
    if (typeof read === "string") {
      parts.push(text.slice(end, match.index), read);
      length += match.index - end + read.length;
    } else unset.add(read.name);
    if (length > LONGEST_RESULT) {
      return { kind: "problem", message: "becomes longer than 1 MiB; shorten the value" };
    }
    end = match.index + match[0].length;
  }
  if (unset.size > 0) return { kind: "problem", message: unsetMessage([...unset]) };
  parts.push(text.slice(end));
  return { kind: "text", text: parts.join(""), changed: true };
}

type Unread = { readonly kind: "malformed" } | { readonly kind: "unset"; readonly name: string };

function readReference(reference: string, env: Environment): string | Unread {
  const match = WELL_FORMED.exec(reference);
  const name = match?.[1];
  if (match === null || name === undefined) return { kind: "malformed" };
  const value = env(name);
  const fallback = match[2];
  if (fallback !== undefined) return value === undefined || value === "" ? fallback : value;
  return value ?? { kind: "unset", name };
}

function unsetMessage(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `\${${name.slice(0, 60)}}`).join(" and ");
  const first = (names[0] ?? "NAME").slice(0, 60);
  return `${shown} is not set in the environment; set it, or write \${${first}:-default}`;
}
