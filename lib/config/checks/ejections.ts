import { parseDuration } from "../../values/duration.ts";
import { isProblem } from "../../values/problem.ts";
import { quoted } from "../../values/printable.ts";
import type { Findings } from "../findings.ts";
import { builtIn } from "../language/built_in.ts";
import { overlay, valueAt } from "../language/layers.ts";
import type { LocatedValue } from "../yaml/located.ts";
import { inherited, membersOf } from "./members.ts";

/** Finds ejections that grow towards a maximum below their beginning. */
export function checkEjections(file: LocatedValue, findings: Findings): void {
  const base = builtIn().pool["ejection"];
  const defaults = inherited(file, "ejection");
  if (defaults !== undefined) checkEjection(defaults, { beneath: [base], findings });
  for (const pool of membersOf(file, "pools")) {
    const own = pool.own("ejection");
    if (own !== undefined) checkEjection(own, { beneath: [base, defaults?.value], findings });
  }
}

function checkEjection(
  { value, located }: LocatedValue,
  { beneath, findings }: { readonly beneath: readonly unknown[]; readonly findings: Findings },
): void {
  const subject = located.children.get("maxTime") ?? located.children.get("baseTime");
  if (subject === undefined) return;
  const merged = overlay([...beneath, value]);
  const [base, max] = [valueAt(merged, "baseTime"), valueAt(merged, "maxTime")];
  if (typeof base !== "string" || typeof max !== "string") return;
  const [baseMs, maxMs] = [parseDuration(base), parseDuration(max)];
  if (isProblem(baseMs) || isProblem(maxMs) || maxMs >= baseMs) return;
  findings.add(
    subject,
    () => `maxTime ${quoted(max)} is shorter than baseTime ${quoted(base)}; make maxTime at least as long`,
  );
}
