import { formatAddress, parseAddress } from "../../values/address.ts";
import { isProblem } from "../../values/problem.ts";
import { quoted } from "../../values/printable.ts";
import type { Findings } from "../findings.ts";
import { valueAt } from "../language/layers.ts";
import { isMapping, type Located, type LocatedValue, missingKey } from "../yaml/located.ts";
import { formatPath } from "../yaml/position.ts";
import { childOf, inherited, itemsOf, membersOf } from "./members.ts";

/** Finds pools without targets, targets without an address, targets that a list has twice, and lists in which every weight is 0. */
export function checkTargets(file: LocatedValue, findings: Findings): void {
  for (const pool of membersOf(file, "pools")) {
    if (!pool.readable) continue;
    const own = pool.own("targets");
    if (own !== undefined) checkList(own, findings);
    else if (pool.get("targets") === undefined) {
      findings.add(
        missingKey(pool.located, "targets"),
        () => `nothing is written here; write some, such as targets: ["127.0.0.1:9001"]`,
      );
    }
  }
  // Targets in defaults are checked once, not once for each pool that inherits them.
  const shared = inherited(file, "targets");
  if (shared !== undefined) checkList(shared, findings);
}

function checkList(targets: LocatedValue, findings: Findings): void {
  if (!Array.isArray(targets.value)) return;
  if (targets.value.length === 0) {
    findings.add(targets.located, () => `the list is empty; write ["127.0.0.1:9001"]`);
    return;
  }
  const firsts = new Map<string, Located>();
  for (const target of itemsOf(targets)) checkTarget(target, { firsts, findings });
  if (targets.value.every((target) => valueAt(target, "weight") === 0)) {
    findings.add(
      targets.located,
      () => "every target has weight 0, so none is ever picked; give one a weight above 0",
    );
  }
}

function checkTarget(
  target: LocatedValue,
  { firsts, findings }: { readonly firsts: Map<string, Located>; readonly findings: Findings },
): void {
  const written = isMapping(target.value) ? childOf(target, "address") : target;
  if (written === undefined) {
    findings.add(target.located, () => `has no address; write address: "host:port"`);
    return;
  }
  const { value, located } = written;
  const address = typeof value === "string" ? parseAddress(value) : undefined;
  if (address === undefined || isProblem(address)) return;
  const canonical = formatAddress(address);
  const first = firsts.get(canonical);
  if (first === undefined) firsts.set(canonical, located);
  else {
    findings.add(located, () => {
      const where = `on line ${first.at.line} (${formatPath(first.path)})`;
      return `${quoted(String(value))} is already a target of this pool, ${where}; remove one of the two`;
    });
  }
}
