import type { Step } from "./diagnostic.ts";
import { type Finding, isMapping, locate, type Located } from "./located.ts";

/** A key the language has and the program does not act on yet. */
export interface NotYet {
  /** "*" stands for every name. */
  readonly path: readonly string[];
}

/** The keys without effect; a feature that arrives takes its line out, and `loadConfig` says nothing of it any more. */
export const NOT_YET: readonly NotYet[] = [
  { path: ["admin"] },
  ...["ejection", "slowStart", "queue", "hold", "onTargetDown", "failOpen"].flatMap((key) => [
    { path: ["defaults", key] },
    { path: ["pools", "*", key] },
  ]),
  { path: ["defaults", "timeouts", "queue"] },
  { path: ["listeners", "*", "timeouts", "queue"] },
  { path: ["pools", "*", "timeouts", "queue"] },
];

/** Finds each key of a file that has no effect yet. */
export function findNotYet(file: unknown, root: Located): readonly Finding[] {
  return NOT_YET.flatMap(({ path }) =>
    uses(file, path, []).flatMap((at) => {
      const located = locate(root, at);
      if (located === undefined) return [];
      return [{ at: located.keyAt, path: located.path, message: "has no effect yet" }];
    })
  );
}

function uses(value: unknown, path: readonly string[], at: readonly Step[]): readonly (readonly Step[])[] {
  const [step, ...rest] = path;
  if (step === undefined) return [at];
  if (!isMapping(value)) return [];
  const keys = step === "*" ? Object.keys(value) : Object.hasOwn(value, step) ? [step] : [];
  return keys.flatMap((key) => uses(value[key], rest, [...at, key]));
}
