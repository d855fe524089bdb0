import type { Step } from "./diagnostic.ts";
import { type Finding, isMapping, locate, type Located } from "./located.ts";

/** A key the language has and the program does not act on yet; `when` limits it to one value. */
export interface NotYet {
  /** "*" stands for every name. */
  readonly path: readonly string[];
  readonly when?: string;
}

/** The keys without effect; a feature that arrives takes its line out, and `loadConfig` says nothing of it any more. */
export const NOT_YET: readonly NotYet[] = [
  { path: ["admin"] },
  { path: ["process", "engine"], when: "linux" },
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
  return NOT_YET.flatMap(({ path, when }) =>
    uses(file, path, []).flatMap(({ found, at }) => {
      const located = locate(root, at);
      if (located === undefined || (when !== undefined && found !== when)) return [];
      return [{ at: located.keyAt, path: located.path, message: "has no effect yet" }];
    })
  );
}

interface Use {
  readonly found: unknown;
  readonly at: readonly Step[];
}

function uses(value: unknown, path: readonly string[], at: readonly Step[]): readonly Use[] {
  const [step, ...rest] = path;
  if (step === undefined) return [{ found: value, at }];
  if (!isMapping(value)) return [];
  const keys = step === "*" ? Object.keys(value) : Object.hasOwn(value, step) ? [step] : [];
  return keys.flatMap((key) => uses(value[key], rest, [...at, key]));
}
