import { quoted } from "../values/printable.ts";
import { formatAddress, parseAddress } from "../values/address.ts";
import { parseDuration } from "../values/duration.ts";
import { isProblem } from "../values/problem.ts";
import { findBindClashes, findPublicAdmin } from "./bind_clashes.ts";
import { builtIn } from "./built_in.ts";
import { formatPath } from "./diagnostic.ts";
import { itemsOf, type Member, membersOf } from "./inherited.ts";
import { mappingAt, overlay, valueAt } from "./layers.ts";
import { type Finding, isMapping, locate, type Located } from "./located.ts";
import type { Spot } from "./sift.ts";
import { nearest } from "./words.ts";

/** Finds what is right key by key and wrong together. Values with a mistake of their own are passed over. */
export function findCrossReferences(file: Spot): readonly Finding[] {
  return [
    ...findMissingSections(file),
    ...membersOf(file, "listeners").filter(({ readable }) => readable).flatMap((each) =>
      checkListener(file, each)
    ),
    ...membersOf(file, "pools").filter(({ readable }) => readable).flatMap(checkTargets),
    ...checkDefaultTargets(file),
    ...findBindClashes(file),
    ...findPublicAdmin(file),
    ...findShortEjections(file),
  ];
}

/** Finds pools that no listener uses: no mistake, but seldom meant. */
export function findUnusedPools(file: Spot): readonly Finding[] {
  const used = new Set(membersOf(file, "listeners").map((listener) => listener.get("pool")?.value));
  return membersOf(file, "pools").filter(({ name }) => !used.has(name)).map(({ name, located }) => {
    return { at: located.keyAt, path: located.path, message: `no listener uses pool ${quoted(name)}` };
  });
}

function findMissingSections(file: Spot): readonly Finding[] {
  if (!isMapping(file.value)) return [];
  const examples = [
    ["listeners", `write listeners: { web: { bind: "0.0.0.0:8080", pool: app } }`],
    ["pools", `write pools: { app: { targets: ["127.0.0.1:9001"] } }`],
  ] as const;
  return examples.filter(([section]) => !file.located.children.has(section)).map(([section, fix]) => {
    return { at: file.located.at, path: [section], message: `nothing is written here; ${fix}` };
  });
}

function checkListener(file: Spot, listener: Member): readonly Finding[] {
  const findings: Finding[] = [];
  const { located } = listener;
  const bind = listener.get("bind");
  if (Array.isArray(bind?.value) && bind.value.length === 0) {
    const { at, path } = bind.located;
    findings.push({ at, path, message: `the list is empty; write ["0.0.0.0:8080"]` });
  }
  if (bind === undefined) {
    findings.push(missing(located, "bind", `write where it listens, such as bind: "0.0.0.0:8080"`));
  }
  const pool = listener.get("pool");
  if (pool === undefined) {
    findings.push(missing(located, "pool", "write the name of one, such as pool: app"));
  }
  // Without readable pools every name would be called unknown, for one mistake made elsewhere.
  if (typeof pool?.value !== "string" || !isMapping(valueAt(file.value, "pools"))) return findings;
  const names = [...(locate(file.located, ["pools"])?.children.keys() ?? [])].map(String);
  if (names.includes(pool.value)) return findings;
  const guess = nearest(pool.value, names, {});
  const fix = guess !== undefined
    ? `did you mean ${quoted(guess)}?`
    : names.length === 0
    ? "write a pool under pools"
    : `the pools are ${names.slice(0, 5).join(", ")}${names.length > 5 ? ", ..." : ""}`;
  findings.push({
    at: pool.located.at,
    path: pool.located.path,
    message: `${quoted(pool.value)} is not a pool; ${fix}`,
  });
  return findings;
}

function missing(located: Located, key: string, fix: string): Finding {
  return { at: located.keyAt, path: [...located.path, key], message: `nothing is written here; ${fix}` };
}

function checkTargets(pool: Member): readonly Finding[] {
  const targets = pool.get("targets");
  if (targets === undefined) {
    return [missing(pool.located, "targets", `write some, such as targets: ["127.0.0.1:9001"]`)];
  }
  return pool.located.children.has("targets") ? checkTargetList(targets) : [];
}

/** Targets in defaults are checked once, not once for each pool that inherits them. */
function checkDefaultTargets(file: Spot): readonly Finding[] {
  const located = locate(file.located, ["defaults", "targets"]);
  const value = valueAt(mappingAt(file.value, "defaults"), "targets");
  return located === undefined ? [] : checkTargetList({ value, located });
}

function checkTargetList(targets: Spot): readonly Finding[] {
  if (!Array.isArray(targets.value)) return [];
  const { at, path } = targets.located;
  if (targets.value.length === 0) {
    return [{ at, path, message: `the list is empty; write ["127.0.0.1:9001"]` }];
  }
  const findings: Finding[] = [];
  const seen = new Map<string, Located>();
  const items = itemsOf(targets);
  for (const { value, located } of items) {
    if (isMapping(value) && !located.children.has("address")) {
      findings.push({
        at: located.at,
        path: located.path,
        message: `has no address; write address: "host:port"`,
      });
      continue;
    }
    const text = isMapping(value) ? value["address"] : value;
    const address = typeof text === "string" ? parseAddress(text) : undefined;
    if (address === undefined || isProblem(address)) continue;
    const spot = isMapping(value) ? (located.children.get("address") ?? located) : located;
    const first = seen.get(formatAddress(address));
    if (first === undefined) seen.set(formatAddress(address), spot);
    else {
      const where = `on line ${first.at.line} (${formatPath(first.path)})`;
      const message = `${
        quoted(String(text))
      } is already a target of this pool, ${where}; remove one of the two`;
      findings.push({ at: spot.at, path: spot.path, message });
    }
  }
  if (items.every(({ value }) => valueAt(value, "weight") === 0)) {
    findings.push({
      at,
      path,
      message: "every target has weight 0, so none is ever picked; give one a weight above 0",
    });
  }
  return findings;
}

/** Finds ejections that grow towards a maximum below their beginning. */
function findShortEjections(file: Spot): readonly Finding[] {
  const defaults = valueAt(mappingAt(file.value, "defaults"), "ejection");
  const written = [
    { layers: [defaults], located: locate(file.located, ["defaults", "ejection"]) },
    ...membersOf(file, "pools").map(({ name, located }) => ({
      layers: [defaults, valueAt(mappingAt(mappingAt(file.value, "pools"), name), "ejection")],
      located: located.children.get("ejection"),
    })),
  ];
  return written.flatMap(({ layers, located }) => {
    if (located === undefined) return [];
    const merged = overlay([builtIn().pool["ejection"], ...layers]);
    const [base, max] = [valueAt(merged, "baseTime"), valueAt(merged, "maxTime")];
    if (typeof base !== "string" || typeof max !== "string") return [];
    const [baseMs, maxMs] = [parseDuration(base), parseDuration(max)];
    if (isProblem(baseMs) || isProblem(maxMs) || maxMs >= baseMs) return [];
    const spot = located.children.get("maxTime") ?? located.children.get("baseTime");
    if (spot === undefined) return [];
    const message = `maxTime ${quoted(max)} is shorter than baseTime ${
      quoted(base)
    }; make maxTime at least as long`;
    return [{ at: spot.at, path: spot.path, message }];
  });
}
