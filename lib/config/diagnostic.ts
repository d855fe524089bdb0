import { printable, quoted } from "../values/printable.ts";

/** A mistake or a remark about the configuration file, at a place in it; `message` is one line without the place. */
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

/** A step from a value to one inside it: a key, or an index of a list. */
export type Step = string | number;

/** Writes a diagnostic on one line: `lb.yaml:7:16 pools.app.algorithm: "x" is not an algorithm; ...`. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, path, message } = diagnostic;
  const place = `${printable(file)}:${line}:${column}`;
  return path === "" ? `${place}: ${message}` : `${place} ${path}: ${message}`;
}

/** Writes a path of keys and indexes: "pools.app.targets[0].weight"; an unusual key is quoted, a long one cut. */
export function formatPath(path: readonly Step[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (!/^[A-Za-z0-9_.-]{1,64}$/.test(step)) text += `[${quoted(step)}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}

/** Names any value of the file for a message: a quoted text, a number, "a list". */
export function describe(value: unknown): string {
  if (typeof value === "string") return value === "" ? `""` : quoted(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return "a mapping";
}
