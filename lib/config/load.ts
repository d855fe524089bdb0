import * as v from "./valibot.ts";
import type { Config } from "./config.ts";
import { findCrossReferences, findUnusedPools } from "./cross_references.ts";
import { type Diagnostic, formatPath, type Step } from "./diagnostic.ts";
import { readDocument } from "./document.ts";
import type { Environment } from "./environment.ts";
import { byPlace } from "./inherited.ts";
import { type Finding, isMapping, locate, locateNearest } from "./located.ts";
import { findNotYet } from "./not_yet.ts";
import { findIdleProbeKeys } from "./probe_keys.ts";
import { resolveConfig } from "./resolve.ts";
import { file as fileSchema } from "./schema.ts";
import { written } from "./shape.ts";
import { siftKeys, type Spot } from "./sift.ts";

/** A configuration and remarks on it, or every mistake in the file; both lists in file order. */
export type Loaded =
  | { readonly config: Config; readonly notes: readonly Diagnostic[] }
  | { readonly diagnostics: readonly Diagnostic[] };

/** What the text comes with: the name to show in diagnostics and the environment its `${NAME}` are read from. */
export interface LoadOptions {
  readonly file: string;
  readonly env: Environment;
}

/** Reads a configuration file: YAML, environment, keys, values, references between them, defaults. Never throws for any text. */
export function loadConfig(text: string, { file, env }: LoadOptions): Loaded {
  const document = readDocument(text, env);
  if (document.kind === "unreadable") return { diagnostics: report(document.findings, file) };
  const findings: Finding[] = [];
  const spot = siftKeys(fileSchema(), { value: document.value, located: document.root }, findings);
  if (isMapping(spot.value)) findings.push(...findWrongValues(spot), ...findCrossReferences(spot));
  // A value that could not be read has had its say, by whatever alias it is met again.
  const unread = new Set(document.findings.map(({ at }) => `${at.line}:${at.column}`));
  const further = findings.filter(({ at }) => !unread.has(`${at.line}:${at.column}`));
  const diagnostics = report([...document.findings, ...further], file);
  if (diagnostics.length > 0 || !isMapping(spot.value)) return { diagnostics };
  const notes = report([
    ...findNotYet(spot.value, spot.located),
    ...findIdleProbeKeys(spot),
    ...findUnusedPools(spot),
  ], file);
  return { config: resolveConfig(spot.value), notes };
}

function findWrongValues({ value, located: root }: Spot): readonly Finding[] {
  const result = v.safeParse(written(fileSchema()), value);
  return (result.issues ?? []).flatMap((issue) => {
    const path = (issue.path ?? []).map(({ key }): Step => (typeof key === "number" ? key : String(key)));
    const located = locate(root, path) ?? locateNearest(root, path);
    // A wrong word for a key is told already; what its value should look like depends on the right word.
    return located.misnamed ? [] : [{ at: located.at, path: located.path, message: issue.message }];
  });
}

/**
 * Orders findings as they stand in the file and keeps one for each mistake: the first that was found for a key, and one of those
 * that an alias repeats under other paths.
 */
function report(findings: readonly Finding[], file: string): readonly Diagnostic[] {
  const seen = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  for (const { at, path, message } of findings.toSorted(byPlace)) {
    const diagnostic = { file, line: at.line, column: at.column, path: formatPath(path), message };
    const marks = [`${at.line}:${at.column} ${diagnostic.path}`, `${at.line}:${at.column}: ${message}`];
    if (!marks.some((mark) => seen.has(mark))) diagnostics.push(diagnostic);
    for (const mark of marks) seen.add(mark);
  }
  return diagnostics;
}
