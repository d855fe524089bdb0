import { quoted } from "../../values/printable.ts";
import type { Findings } from "../findings.ts";
import type { LocatedValue } from "../yaml/located.ts";
import { membersOf } from "./members.ts";

/** Finds pools that no listener uses: no mistake, but seldom meant. */
export function findUnusedPools(file: LocatedValue, findings: Findings): void {
  const used = new Set(membersOf(file, "listeners").map((listener) => listener.get("pool")?.value));
  for (const { name, located: { keyAt, path } } of membersOf(file, "pools")) {
    if (!used.has(name)) findings.add({ at: keyAt, path }, () => `no listener uses pool ${quoted(name)}`);
  }
}
