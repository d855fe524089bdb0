import type { Kind } from "./shape.ts";

// The words of HAProxy, nginx, Envoy, Traefik and Caddy for which this language has others.

/** Peers' words for an algorithm (HAProxy, nginx, Envoy, Traefik, Caddy), folded as `fold` does it. */
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

/** Peers' words for a key, by the kind of mapping they stand in. A word with a dot or a space is a key of another mapping. */
export function keyWords(): { readonly [K in Kind]?: Readonly<Record<string, string>> } {
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
      ...each("resolve.interval", "resolver resolvers dnsrefreshrate dnsttl"),
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
      ...each("path", "uri"),
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
    resolve: each("interval", "inter every period ttl valid refresh dnsrefreshrate"),
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
export function wordsEverywhere(): Readonly<Record<string, string>> {
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
    ...each("resolve.interval", "dnsrefreshrate"),
    ...each("slowStart", "slowstart"),
  };
}

function each(word: string, peers: string): Record<string, string> {
  return Object.fromEntries(peers.split(" ").map((peer) => [peer, word]));
}
