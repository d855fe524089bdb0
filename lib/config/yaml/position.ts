import { quoted } from "../../values/printable.ts";

/** A position in the file; both numbers are 1-based, columns count UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Orders things as they stand in the file. */
export function byPosition(a: { readonly at: Position }, b: { readonly at: Position }): number {
  return a.at.line - b.at.line || a.at.column - b.at.column;
}

/** A step from a value to one inside it: a key, or an index of a list. */
export type Step = string | number;

/** The way from the root (undefined) to a value. It is linked, so that 100,000 values at depth 100 do not need 10 million steps. */
export type Path = { readonly parent: Path; readonly step: Step } | undefined;

/** No level of the language is deeper than 7; what is below is cut in messages. */
const MAX_SHOWN_STEPS = 8;

/** The path that goes one step further. */
export function extend(parent: Path, step: Step): Path {
  return { parent, step };
}

/** Writes a path of keys and indexes: "pools.app.targets[0].weight"; an unusual key is quoted, a long one cut. */
export function formatPath(path: Path): string {
  const steps: Step[] = [];
  for (let here = path; here !== undefined; here = here.parent) steps.push(here.step);
  let text = "";
  for (const step of steps.reverse().slice(0, MAX_SHOWN_STEPS)) {
    if (typeof step === "number") text += `[${step}]`;
    else if (!/^[A-Za-z0-9_.-]{1,64}$/.test(step)) text += `[${quoted(step)}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}
