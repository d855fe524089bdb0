import { distance } from "fastest-levenshtein";
import type { Kind } from "./shape.ts";

/** Peers' words for an algorithm (HAProxy, nginx, Envoy, Traefik, Caddy), folded as `fold` does. */
export const ALGORITHM_WORDS: Readonly<Record<string, string>> = {
  rr: "roundRobin",
  wrr: "roundRobin",
  staticrr: "roundRobin",
  weighted: "roundRobin",
  weightedroundrobin: "roundRobin",
  leastconn: "leastConnections",
  leastconns: "leastConnections",
  leastrequest: "leastConnections",
  lc: "leastConnections",
  p2c: "powerOfTwo",
  poweroftwochoices: "powerOfTwo",
  randomchoose: "powerOfTwo",
  rand: "random",
  source: "sourceHash",
  iphash: "sourceHash",
  clientiphash: "sourceHash",
  hash: "sourceHash",
  maglev: "sourceHash",
  ringhash: "sourceHash",
  consistenthash: "sourceHash",
  failover: "first",
  ordered: "first",
  priority: "first",
};

/** Peers' words for a key, by the kind of mapping they stand in. A word with a dot or a space says where the key lives instead. */
function keyWords(): { readonly [K in Kind]?: Readonly<Record<string, string>> } {
  return {
    file: {
      ...each("pools", "backend backends upstream upstreams cluster clusters targetgroups"),
      ...each("listeners", "frontend frontends listen entrypoints"),
      ...each("pools.NAME.targets", "server servers"),
      ...each("process", "global"),
      ...each("log", "logging logs"),
      ...each("defaults.timeouts", "timeout timeouts"),
      ...each("process.workers", "nbthread workerprocesses threads"),
      ...each("process.maxConnections", "maxconn maxconns maxconnections"),
    },
    process: {
      ...each("maxConnections", "maxconn maxconns workerconnections maxsessions"),
      ...each("workers", "nbthread workerprocesses threads concurrency cpus"),
    },
    listener: {
      ...each("bind", "address addresses binds listen listener port"),
      ...each(
        "pool",
        "backend backends defaultbackend usebackend upstream upstreams cluster proxypass pools target targets",
      ),
      ...each("maxConnections", "maxconn maxconns connectionlimit"),
      ...each("timeouts", "timeout"),
    },
    pool: {
      ...each(
        "targets",
        "server servers backend backends upstream upstreams member members node nodes host hosts endpoints",
      ),
      ...each("algorithm", "balance balancing lbpolicy policy method strategy loadbalancing"),
      ...each("health", "check checks healthcheck healthchecks"),
      ...each("ejection", "outlierdetection"),
      ...each("timeouts", "timeout"),
      ...each("retry.attempts", "retries maxretries tries"),
      ...each("queue.size", "maxqueue"),
    },
    target: {
      ...each("address", "server host hostname addr url ip"),
      ...each("maxConnections", "maxconn maxconns connectionlimit"),
      ...each("tier", "backup priority"),
    },
    health: {
      ...each("interval", "inter"),
      ...each("rise", "healthythreshold passes"),
      ...each("fall", "unhealthythreshold fails"),
      ...each("fastInterval", "fastinter"),
      ...each("downInterval", "downinter unhealthyinterval"),
      ...each("check", "type protocol kind"),
      ...each("path", "uri url"),
      ...each("expect.status", "status statuses expectedcodes expectstatus"),
      ...each("expect.body", "body expectbody"),
    },
    timeouts: {
      ...each("connect", "connecttimeout proxyconnecttimeout"),
      ...each("idle", "client server tunnel idletimeout proxytimeout"),
      ...each("halfClosed", "clientfin serverfin"),
      ...each("lifetime", "maxconnectionduration"),
    },
    ejection: {
      ...each("consecutiveFailures", "maxfails consecutive5xx consecutivelocaloriginfailure failures"),
      ...each("baseTime", "failtimeout baseejectiontime"),
      ...each("maxTime", "maxejectiontime"),
      ...each("maxShare", "maxejectionpercent"),
    },
    retry: each("attempts", "retries count tries"),
    queue: each("size", "maxqueue length max"),
    drain: each("deadline", "timeout graceperiod"),
    admin: { ...each("listen", "bind address port"), ...each("tokenFile", "token") },
    log: {
      ...each("access", "accesslog"),
      ...each("level", "loglevel verbosity"),
      ...each("format", "logformat"),
    },
  };
}

/** Peers' words that mean a key of a pool or below, wherever in a listener, pool or target they stand. */
function everywhere(): Readonly<Record<string, string>> {
  return {
    ...each("health.interval", "inter interval"),
    ...each("health.rise", "rise healthythreshold"),
    ...each("health.fall", "fall unhealthythreshold"),
    ...each("health.fastInterval", "fastinter"),
    ...each("health.downInterval", "downinter"),
    ...each("ejection.baseTime", "failtimeout"),
    ...each("ejection.consecutiveFailures", "maxfails"),
    ...each("algorithm", "balance lbpolicy"),
    ...each("targets", "server servers"),
    ...each("maxConnections of a target", "maxconn maxconns maxconnections"),
    ...each("timeouts.connect", "connecttimeout proxyconnecttimeout"),
    ...each("timeouts.idle", "idletimeout proxytimeout"),
    ...each("slowStart", "slowstart"),
  };
}

/** What to write instead of a wrong key: a key of the same mapping (`here`), or a place elsewhere in words. */
export type KeyAdvice =
  | { readonly kind: "here"; readonly key: string; readonly sure: boolean }
  | { readonly kind: "elsewhere"; readonly where: string }
  | { readonly kind: "unknown" };

/** Finds our key for a wrong one in a mapping of a kind that has `keys`: its other spelling, a peer's word, or a near miss. */
export function adviseKey(key: string, kind: Kind, keys: readonly string[]): KeyAdvice {
  const folded = fold(key);
  const spelled = keys.find((each) => fold(each) === folded);
  if (spelled !== undefined) return { kind: "here", key: spelled, sure: true };
  const words = keyWords();
  const peers = kind === "defaults" ? { ...words.listener, ...words.pool } : (words[kind] ?? {});
  const ours = own(peers, folded) ?? own(everywhere(), folded);
  if (ours !== undefined) {
    return keys.includes(ours) ? { kind: "here", key: ours, sure: true } : elsewhere(ours, kind);
  }
  const guess = nearest(key, keys, {});
  if (guess !== undefined) return { kind: "here", key: guess, sure: false };
  const peer = nearest(key, [], peers);
  return peer !== undefined && keys.includes(peer)
    ? { kind: "here", key: peer, sure: false }
    : { kind: "unknown" };
}

function elsewhere(where: string, kind: Kind): KeyAdvice {
  const ofPool = kind === "target" || kind === "listener" || kind === "health" || kind === "ejection" ||
    kind === "file";
  const local = where.startsWith("process.") || where.startsWith("pools.") || where.startsWith("defaults.");
  const expect = kind === "health" && where.startsWith("expect.");
  const text = `"${where}"${ofPool && !local && !expect && !where.includes(" of ") ? " of the pool" : ""}`;
  return { kind: "elsewhere", where: where.includes(" of ") ? where : text };
}

/** Finds the word a wrong one was meant to be, by other spelling, peers' words or few wrong letters; undefined when none is near. */
export function nearest<W extends string>(
  found: string,
  words: readonly W[],
  peers: Readonly<Record<string, string>>,
): string | undefined {
  const folded = fold(found.slice(0, 40));
  const candidates: [string, string][] = [
    ...words.map((each): [string, string] => [fold(each), each]),
    ...Object.entries(peers),
  ];
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const [candidate, word] of candidates) {
    const far = distance(folded, candidate);
    if (far < bestDistance && far <= slips(folded, candidate)) {
      best = word;
      bestDistance = far;
    }
  }
  return best;
}

/**
 * How many wrong letters still make one word of the other. A third of them: "tls" is not a slip of "acl", "leestconn" is one of
 * "leastconn". Two where the word begins alike: letters that changed places count as two, "chekc" is a slip of "check".
 */
function slips(found: string, word: string): number {
  const length = Math.max(found.length, word.length);
  return length > 3 && found[0] === word[0] ? Math.max(2, Math.floor(length / 3)) : Math.floor(length / 3);
}

/** Takes case, hyphens, underscores and spaces out of a word, so that snake_case and kebab-case meet camelCase. */
export function fold(word: string): string {
  return word.replace(/[-_ ]/g, "").toLowerCase();
}

function own(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function each(ours: string, peers: string): Record<string, string> {
  return Object.fromEntries(peers.split(" ").map((word) => [word, ours]));
}
