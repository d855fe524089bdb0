import type { Findings } from "../findings.ts";
import { builtIn } from "../language/built_in.ts";
import { overlay, valueAt } from "../language/layers.ts";
import { isMapping, type LocatedValue, missingKey } from "../yaml/located.ts";
import { childOf, inherited, type Member, membersOf } from "./members.ts";

type Check = "none" | "tcp" | "http" | "https" | "url";

const HTTP_KEYS = ["path", "host", "port", "method", "expect"] as const;

/** The keys, of those that describe one probe, that each kind of check reads. */
const KEYS_READ: Readonly<Record<Check, readonly string[]>> = {
  none: [],
  tcp: ["port"],
  http: HTTP_KEYS,
  https: HTTP_KEYS,
  url: ["url", "method", "expect"],
};

const ALL_KEYS = ["url", ...HTTP_KEYS];

/** Finds pools that are probed by a URL and have none, in the pool or in defaults. */
export function checkProbeUrls(file: LocatedValue, findings: Findings): void {
  const defaults = inherited(file, "health");
  for (const pool of membersOf(file, "pools")) {
    const own = pool.own("health");
    if (effectiveCheck(own, defaults) !== "url") continue;
    const written = [own, defaults].filter((each) => each !== undefined);
    if (written.some((health) => health.located.children.has("url"))) continue;
    // The mapping with `check: url` is the one to be corrected.
    const asking = written.find((health) => health.located.children.has("check"));
    if (asking === undefined) continue;
    findings.add(
      missingKey(asking.located, "url"),
      () => `nothing is written here; write what to ask, such as url: "http://{host}:8008/primary"`,
    );
  }
}

/**
 * Finds probe keys that nothing reads, such as `path` beside `check: tcp`. A remark and no mistake: the page of the language
 * itself shows them beside tcp, to be kept while the check is changed. In defaults they count as read when any pool reads them.
 */
export function findIdleProbeKeys(file: LocatedValue, findings: Findings): void {
  const defaults = inherited(file, "health");
  const checks = new Set<Check>();
  for (const pool of membersOf(file, "pools")) {
    const own = ownHealth(pool);
    const check = effectiveCheck(own, defaults);
    // A file with a mistake in a check has no notes.
    if (check === undefined) return;
    checks.add(check);
    if (own === undefined) continue;
    noteIdle(own, { read: KEYS_READ[check], check, findings });
    noteBodyOfHead(own, findings);
  }
  const check = effectiveCheck(undefined, defaults);
  if (defaults === undefined || check === undefined || checks.size === 0) return;
  noteIdle(defaults, { read: [...checks].flatMap((each) => KEYS_READ[each]), check, findings });
}

function ownHealth(pool: Member): LocatedValue | undefined {
  return pool.own("health");
}

/** The check of a pool with such a health of its own; undefined when it is no word of the language. */
function effectiveCheck(
  own: LocatedValue | undefined,
  defaults: LocatedValue | undefined,
): Check | undefined {
  const health = overlay([builtIn().pool["health"], defaults?.value, own?.value]);
  const check = health === "none" ? "none" : valueAt(health, "check");
  return typeof check === "string" && Object.hasOwn(KEYS_READ, check) ? check as Check : undefined;
}

interface Noting {
  readonly check: Check;
  readonly read: readonly string[];
  readonly findings: Findings;
}

function noteIdle({ value, located }: LocatedValue, { read, check, findings }: Noting): void {
  if (!isMapping(value)) return;
  for (const key of ALL_KEYS) {
    const written = located.children.get(key);
    if (written === undefined || read.includes(key)) continue;
    const subject = { at: written.keyAt, path: written.path };
    findings.add(subject, () => `has no use with check: ${check}; ${fixOf(key, check)}`);
  }
}

function fixOf(key: string, check: Check): string {
  if (check === "url") return "the URL says it, so remove it";
  if (key === "url") return "write check: url, or remove it";
  return `write check: ${key === "port" ? "tcp" : "http"}, or remove it`;
}

function noteBodyOfHead(health: LocatedValue, findings: Findings): void {
  const expect = childOf(health, "expect");
  const body = expect === undefined ? undefined : childOf(expect, "body");
  if (body === undefined || body.value === undefined || body.value === "none") return;
  if (valueAt(health.value, "method") !== "HEAD") return;
  findings.add(body.located, () => "can never match: an answer to HEAD has no body; write method: GET");
}
