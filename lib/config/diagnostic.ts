import { printable } from "../values/printable.ts";

/** A mistake or a remark about the configuration file, at a position in it; `message` is one line without the position. */
export interface Diagnostic {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
  /** Such as "pools.app.targets[0].weight"; empty for mistakes of the YAML syntax. */
  readonly path: string;
  readonly message: string;
}

/** What was found in a file, in its order: the first of the mistakes or of the notes, and how many `more` there are. */
export type Listed =
  | { readonly diagnostics: readonly Diagnostic[]; readonly more: number }
  | { readonly notes: readonly Diagnostic[]; readonly more: number };

/** Writes a diagnostic on one line: `lb.yaml:7:16 pools.app.algorithm: "x" is not an algorithm; ...`. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, path, message } = diagnostic;
  const position = `${printable(file)}:${line}:${column}`;
  return path === "" ? `${position}: ${message}` : `${position} ${path}: ${message}`;
}

/** Writes a line for each diagnostic and, where there are more than are listed, "and 900 more mistakes" as the last one. */
export function formatDiagnostics(listed: Listed): readonly string[] {
  const [list, noun] = "notes" in listed ? [listed.notes, "note"] : [listed.diagnostics, "mistake"];
  const lines = list.map(formatDiagnostic);
  return listed.more === 0
    ? lines
    : [...lines, `and ${listed.more} more ${noun}${listed.more === 1 ? "" : "s"}`];
}
