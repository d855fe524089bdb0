import { checkBindClashes, checkPublicAdmin } from "./checks/binds.ts";
import { checkEjections } from "./checks/ejections.ts";
import { findIdleEjections, findIdleTargetDown } from "./checks/idle_answers.ts";
import { checkKeys } from "./checks/keys.ts";
import { checkProbeUrls, findIdleProbeKeys } from "./checks/probe_keys.ts";
import { checkListeners, checkSections } from "./checks/references.ts";
import { findIdleSlowStarts } from "./checks/slow_starts.ts";
import { checkTargets } from "./checks/targets.ts";
import { checkTotals } from "./checks/totals.ts";
import { findUnimplemented } from "./checks/unimplemented.ts";
import { findUnusedPools } from "./checks/unused.ts";
import type { Config } from "./config.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { type Finding, Findings } from "./findings.ts";
import { file as fileShape } from "./language/schema.ts";
import { resolveConfig } from "./resolve.ts";
import { readDocument } from "./yaml/document.ts";
import type { Environment } from "./yaml/environment.ts";
import { isMapping, type LocatedValue } from "./yaml/located.ts";
import { byPosition, formatPath } from "./yaml/position.ts";

/**
 * A configuration and notes on it, or the mistakes in the file. Both lists are in file order and hold 100 at most; `more` is how
 * many there are besides.
 */
export type Loaded =
  | { readonly config: Config; readonly notes: readonly Diagnostic[]; readonly more: number }
  | { readonly diagnostics: readonly Diagnostic[]; readonly more: number };

/** What the text comes with: the name to show in diagnostics and the environment its `${NAME}` are read from. */
export interface LoadOptions {
  readonly file: string;
  readonly env: Environment;
}

const MAX_LISTED = 100;

/**
 * Reads a configuration file: YAML, environment, keys, values, references between them, defaults. Never throws for any text, and
 * the work and memory for a text of 1 MiB are bounded, whatever it says.
 */
export function loadConfig(text: string, { file, env }: LoadOptions): Loaded {
  const document = readDocument(text, env);
  if (document.root === undefined) return mistakes([document.findings], file);
  const keys = new Findings();
  const checked = checkKeys(fileShape(), document.root, keys);
  const together = new Findings();
  if (isMapping(checked.value)) checkTogether(checked, together);
  const found = mistakes([document.findings, keys, together], file);
  if (found.diagnostics.length > 0 || !isMapping(checked.value)) return found;
  const notes = new Findings();
  for (const find of [findUnimplemented, findIdleProbeKeys, findIdleSlowStarts]) find(checked, notes);
  for (const find of [findIdleEjections, findIdleTargetDown, findUnusedPools]) find(checked, notes);
  const { listed, more } = list(notes.kept, file);
  return { config: resolveConfig(checked.value), notes: listed, more: more + notes.more };
}

/** Finds what is right key by key and wrong together. Values with a mistake of their own are passed over. */
function checkTogether(file: LocatedValue, findings: Findings): void {
  checkSections(file, findings);
  if (!checkTotals(file, findings)) return;
  for (const check of [checkListeners, checkTargets, checkBindClashes]) check(file, findings);
  for (const check of [checkPublicAdmin, checkEjections, checkProbeUrls]) check(file, findings);
}

function mistakes(
  passes: readonly Findings[],
  file: string,
): { readonly diagnostics: readonly Diagnostic[]; readonly more: number } {
  const { listed, more } = list(passes.flatMap(({ kept }) => kept), file);
  const unlisted = passes.reduce((sum, each) => sum + each.more, 0);
  return { diagnostics: listed, more: more + unlisted };
}

/**
 * Orders findings as they stand in the file and lists one for each mistake: the first that was found for a key, and one of those
 * that an alias repeats under other paths.
 */
function list(
  findings: readonly Finding[],
  file: string,
): { readonly listed: readonly Diagnostic[]; readonly more: number } {
  const seen = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  for (const finding of findings.toSorted(byPosition)) {
    const { at, message } = finding;
    const diagnostic = { file, line: at.line, column: at.column, path: formatPath(finding.path), message };
    const position = `${at.line}:${at.column}`;
    const marks = [`${position} ${diagnostic.path}`, `${position}: ${message}`];
    if (!marks.some((mark) => seen.has(mark))) diagnostics.push(diagnostic);
    for (const mark of marks) seen.add(mark);
  }
  const listed = diagnostics.slice(0, MAX_LISTED);
  return { listed, more: diagnostics.length - listed.length };
}
