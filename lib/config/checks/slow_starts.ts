import type { Findings } from "../findings.ts";
import { builtIn } from "../language/built_in.ts";
import type { LocatedValue } from "../yaml/located.ts";
import { membersOf } from "./members.ts";

/** The algorithms that take no notice of the weight in force: one has no weights, the other has its tables once for all. */
const WEIGHTLESS: readonly unknown[] = ["first", "sourceHash"];

/** Finds pools that start their targets slowly, and whose algorithm gives them as many sessions as ever. */
export function findIdleSlowStarts(file: LocatedValue, findings: Findings): void {
  for (const pool of membersOf(file, "pools")) {
    const slowStart = pool.get("slowStart");
    const algorithm = pool.get("algorithm")?.value ?? builtIn().pool["algorithm"];
    if (slowStart === undefined || slowStart.value === "none" || !WEIGHTLESS.includes(algorithm)) continue;
    // The pool's own key where it has one; else the pool, for the key in defaults is right for others.
    const { keyAt, path } = pool.own("slowStart")?.located ?? pool.located;
    findings.add(
      { at: keyAt, path },
      () =>
        `slowStart changes no weights with algorithm: ${algorithm}; only maxConnections of a target grows`,
    );
  }
}
