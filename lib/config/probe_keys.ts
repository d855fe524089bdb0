import { membersOf } from "./inherited.ts";
import { mappingAt, valueAt } from "./layers.ts";
import { type Finding, isMapping, locate, type Located } from "./located.ts";
import type { Spot } from "./sift.ts";

/** Keys that only a probe over HTTP reads. */
const HTTP_KEYS = ["path", "host", "method", "expect"] as const;

/**
 * Finds probe keys that nothing reads: `path`, `host`, `method`, `expect` beside a check that is not http(s).
 * A remark and no mistake: the page of the language itself shows them beside tcp, to be kept while the check is changed.
 * In defaults they count as read when any pool probes over HTTP.
 */
export function findIdleProbeKeys(file: Spot): readonly Finding[] {
  const defaults = valueAt(mappingAt(file.value, "defaults"), "health");
  const pools = membersOf(file, "pools").map(({ name, located }) => {
    const health = valueAt(mappingAt(mappingAt(file.value, "pools"), name), "health");
    return { health, check: checkOf(health, defaults), located: located.children.get("health") };
  });
  const findings = pools.flatMap(({ health, check, located }) => [
    ...idle(health, check, located),
    ...bodyOfHead(health, located),
  ]);
  // A check with a mistake of its own may be meant as http.
  const known = pools.length > 0 && pools.every(({ check }) => check === "tcp" || check === "none");
  const located = locate(file.located, ["defaults", "health"]);
  return known ? [...findings, ...idle(defaults, checkOf(defaults, undefined), located)] : findings;
}

function checkOf(health: unknown, defaults: unknown): unknown {
  if (health === "none") return "none";
  const written = valueAt(health, "check") ?? valueAt(defaults, "check");
  if (written !== undefined) return written;
  return health === undefined && defaults === "none" ? "none" : "tcp";
}

function idle(health: unknown, check: unknown, located: Located | undefined): readonly Finding[] {
  if (!isMapping(health) || located === undefined || (check !== "tcp" && check !== "none")) return [];
  return HTTP_KEYS.flatMap((key) => {
    const at = located.children.get(key);
    if (at === undefined || at.misnamed) return [];
    return [{
      at: at.keyAt,
      path: at.path,
      message: `has no use with check: ${check}; write check: http, or remove it`,
    }];
  });
}

function bodyOfHead(health: unknown, located: Located | undefined): readonly Finding[] {
  const body = valueAt(valueAt(health, "expect"), "body");
  const at = locate(located, ["expect", "body"]);
  if (valueAt(health, "method") !== "HEAD" || body === undefined || body === "none" || at === undefined) {
    return [];
  }
  return [{
    at: at.at,
    path: at.path,
    message: "can never match: an answer to HEAD has no body; write method: GET",
  }];
}
