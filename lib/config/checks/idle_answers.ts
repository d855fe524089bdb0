import { formatShare, parseShare } from "../../values/share.ts";
import { isProblem } from "../../values/problem.ts";
import type { Findings } from "../findings.ts";
import { builtIn } from "../language/built_in.ts";
import { overlay, valueAt } from "../language/layers.ts";
import type { LocatedValue, Subject } from "../yaml/located.ts";
import { inherited, itemsOf, type Member, membersOf } from "./members.ts";

/** Finds pools of several targets whose `ejection.maxShare` is less than one of them. */
export function findIdleEjections(file: LocatedValue, findings: Findings): void {
  const defaults = inherited(file, "ejection")?.value;
  for (const pool of membersOf(file, "pools")) {
    const own = pool.own("ejection");
    const ejection = overlay([builtIn().pool["ejection"], defaults, own?.value]);
    const maxShare = valueAt(ejection, "maxShare");
    const targets = pool.own("targets");
    if (typeof maxShare !== "string" || targets === undefined) continue;
    const share = parseShare(maxShare);
    const count = itemsOf(targets).length;
    // A pool of one ejects nobody by any share.
    if (isProblem(share) || count < 2 || share * count >= 1 - 1e-9) continue;
    findings.add(
      subjectIn(pool, own?.located.children.get("maxShare")),
      () => `ejects nobody: ${formatShare(share)} of ${count} targets is less than one`,
    );
  }
}

/** Finds pools that close the sessions of a target that turns down, and have nothing that turns one down. */
export function findIdleTargetDown(file: LocatedValue, findings: Findings): void {
  const defaults = inherited(file, "health")?.value;
  for (const pool of membersOf(file, "pools")) {
    if (pool.get("onTargetDown")?.value !== "close") continue;
    const health = overlay([builtIn().pool["health"], defaults, pool.own("health")?.value]);
    if (health !== "none" && valueAt(health, "check") !== "none") continue;
    findings.add(
      subjectIn(pool, pool.own("onTargetDown")?.located),
      () => "onTargetDown: close closes nothing with health: none, which turns no target down",
    );
  }
}

/** The pool's own key where it has one; else the pool, for the key in defaults may be right for others. */
function subjectIn({ located }: Member, own: LocatedValue["located"] | undefined): Subject {
  const { keyAt, path } = own ?? located;
  return { at: keyAt, path };
}
