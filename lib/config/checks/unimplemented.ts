import type { Findings } from "../findings.ts";
import { isMapping, locate, type LocatedValue } from "../yaml/located.ts";
import type { Step } from "../yaml/position.ts";

/** A key that the language has and the program does not act on yet. */
export interface Unimplemented {
  /** "*" stands for every name. */
  readonly path: readonly string[];
  /** The value that switches it off, which is what the program does: it has its effect. */
  readonly off: string | undefined;
}

/** The keys without effect; a feature that arrives takes its line out, and no note is made of it any more. */
export const UNIMPLEMENTED: readonly Unimplemented[] = [
  { path: ["admin"], off: "none" },
];

/** Finds each key of a file that has no effect yet. */
export function findUnimplemented(file: LocatedValue, findings: Findings): void {
  for (const { path, off } of UNIMPLEMENTED) {
    for (const steps of usesOf(file.value, { path, off, steps: [] })) {
      const located = locate(file.located, steps);
      if (located === undefined) continue;
      findings.add({ at: located.keyAt, path: located.path }, () => "has no effect yet");
    }
  }
}

interface Search {
  readonly path: readonly string[];
  readonly off: string | undefined;
  readonly steps: readonly Step[];
}

function usesOf(value: unknown, { path, off, steps }: Search): readonly (readonly Step[])[] {
  const [step, ...rest] = path;
  if (step === undefined) return off !== undefined && value === off ? [] : [steps];
  if (!isMapping(value)) return [];
  const keys = step === "*" ? Object.keys(value) : Object.hasOwn(value, step) ? [step] : [];
  return keys.flatMap((key) => usesOf(value[key], { path: rest, off, steps: [...steps, key] }));
}
