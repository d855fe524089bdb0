import { quoted } from "../../values/printable.ts";
import type { Findings } from "../findings.ts";
import { valueAt } from "../language/layers.ts";
import { nearest } from "../language/suggestions.ts";
import { isMapping, locate, type LocatedValue, missingKey } from "../yaml/located.ts";
import { extend } from "../yaml/position.ts";
import { type Member, membersOf } from "./members.ts";

/** Finds sections that are missing. */
export function checkSections(file: LocatedValue, findings: Findings): void {
  const examples = [
    ["listeners", `write listeners: { web: { bind: "0.0.0.0:8080", pool: app } }`],
    ["pools", `write pools: { app: { targets: ["127.0.0.1:9001"] } }`],
  ] as const;
  for (const [section, fix] of examples) {
    if (file.located.children.has(section)) continue;
    const subject = { at: file.located.at, path: extend(undefined, section) };
    findings.add(subject, () => `nothing is written here; ${fix}`);
  }
}

/** Finds listeners without a bind or a pool, and those that name a pool which does not exist. */
export function checkListeners(file: LocatedValue, findings: Findings): void {
  // Without readable pools every name would be called unknown, for one mistake made elsewhere.
  const pools = isMapping(valueAt(file.value, "pools"))
    ? [...(locate(file.located, ["pools"])?.children.keys() ?? [])].map(String)
    : undefined;
  const known = new Set(pools);
  for (const listener of membersOf(file, "listeners")) {
    if (!listener.readable) continue;
    checkBindKey(listener, findings);
    const pool = listener.get("pool");
    if (pool === undefined) {
      findings.add(
        missingKey(listener.located, "pool"),
        () => "nothing is written here; write the name of one, such as pool: app",
      );
      continue;
    }
    const name = pool.value;
    if (typeof name !== "string" || pools === undefined || known.has(name)) continue;
    findings.add(pool.located, () => `${quoted(name)} is not a pool; ${poolFix(name, pools)}`);
  }
}

function checkBindKey(listener: Member, findings: Findings): void {
  const bind = listener.get("bind");
  if (bind === undefined) {
    findings.add(
      missingKey(listener.located, "bind"),
      () => `nothing is written here; write where it listens, such as bind: "0.0.0.0:8080"`,
    );
  } else if (Array.isArray(bind.value) && bind.value.length === 0) {
    findings.add(bind.located, () => `the list is empty; write ["0.0.0.0:8080"]`);
  }
}

function poolFix(name: string, pools: readonly string[]): string {
  const guess = nearest(name, pools, {});
  if (guess !== undefined) return `did you mean ${quoted(guess)}?`;
  if (pools.length === 0) return "write a pool under pools";
  return `the pools are ${pools.slice(0, 5).join(", ")}${pools.length > 5 ? ", ..." : ""}`;
}
