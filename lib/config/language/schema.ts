// deno-lint-ignore-file explicit-module-boundary-types -- the types are what valibot infers from the page below
import { algorithmNames, engineNames } from "../../values/words.ts";
import { ALGORITHM_WORDS } from "./peer_words.ts";
import {
  count,
  countOrAuto,
  duration,
  languageVersion,
  listenAddress,
  none,
  share,
  targetAddress,
  text,
  textOrNone,
  word,
} from "./scalars.ts";
import { list, mapping, named, oneOrList, scalarOrMapping } from "./shape.ts";
import { statusRanges } from "./status.ts";
import { urlTemplate } from "./url.ts";
import * as v from "./valibot.ts";

// The language on one page. The built-in defaults (built_in.ts) say what may be left out.

/** The names of pools and listeners. */
export const NAME = /^(?!(?:constructor|prototype)$)[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Timeouts of a session, in ms; Infinity is none. */
export function timeouts() {
  return mapping("timeouts", {
    connect: duration("one attempt to connect to a target", { none: true }),
    idle: duration("no byte either way", { none: true }),
    halfClosed: duration("one side has finished, the other sends nothing", { none: true }),
    stall: duration("bytes are waiting for a side that takes none", { none: true }),
    keepAlive: duration("how long a connection is quiet before TCP asks whether its peer is still there", {
      fromMs: 1000,
      none: true,
    }),
    lifetime: duration("the whole session", { none: true }),
    queue: duration("waiting for a free slot", { none: true }),
  });
}

/** A listener. */
export function listener() {
  return mapping("listener", {
    bind: oneOrList(
      listenAddress("host:port, [ipv6]:port or unix:/path; port 0 is any free one"),
      `"0.0.0.0:8080"`,
    ),
    pool: text("the pool that serves its sessions", { wanted: "the name of a pool", test: NAME }),
    maxConnections: count("open sessions of this listener", { from: 1, to: 10_000_000, none: true }),
    timeouts: timeouts(),
  });
}

/** A target in its long form. */
export function target() {
  return mapping("target", {
    address: targetAddress("host:port"),
    weight: count("share of new sessions; 0 takes none", { from: 0, to: 1000 }),
    maxConnections: count("open sessions of this target", { from: 1, to: 10_000_000, none: true }),
    tier: count("serves only while no target of the tiers before is eligible", { from: 0, to: 100 }),
  });
}

/** A health check. */
export function health() {
  return mapping("health", {
    check: word("how a target is probed; none = always up", {
      noun: "a health check",
      words: ["tcp", "http", "https", "url", "none"],
      peers: {
        connect: "tcp",
        tcpcheck: "tcp",
        httpchk: "http",
        fetch: "url",
        uri: "url",
        off: "none",
        false: "none",
      },
    }),
    url: v.optional(urlTemplate("what a url probe asks; {host} and {port} are the target's")),
    path: text("what an http(s) probe asks for", {
      wanted: `a path such as "/health"`,
      test: /^\/[!-~]{0,2047}$/,
    }),
    host: v.optional(text("the Host header and TLS name of a probe; the target's own address if left out", {
      wanted: `a host name such as "app.example"`,
      test: /^[A-Za-z0-9._-]{1,253}(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?$/,
    })),
    port: v.optional(count("the port to probe; the target's own if left out", { from: 1, to: 65535 })),
    method: word("the method of an http(s) or url probe", {
      noun: "a probe method",
      words: ["GET", "HEAD", "OPTIONS", "POST"],
    }),
    expect: mapping("expect", {
      status: statusRanges("answers that count as success"),
      body: textOrNone("the text the trimmed body must equal", {
        wanted: "a text without spaces around it",
        test: /^\S(?:[\s\S]{0,65534}\S)?$/,
      }),
    }),
    interval: duration("between two probes"),
    timeout: duration("longest wait for one probe"),
    rise: count("successes in a row that bring a down target up", { from: 1, to: 1000 }),
    fall: count("failures in a row that take an up target down", { from: 1, to: 1000 }),
    fastInterval: duration("between two probes while results differ from the verdict"),
    downInterval: duration("between two probes of a down target"),
    jitter: share("how much shorter an interval may be", { none: true }),
    initial: word("the state before the first probe", {
      noun: "an initial state",
      words: ["checking", "up", "down"],
    }),
  });
}

/** The ejection of targets to which real connections fail. */
export function ejection() {
  return mapping("ejection", {
    consecutiveFailures: count("failed connections in a row that eject a target", { from: 1, to: 1000 }),
    baseTime: duration("the first ejection; each further one lasts longer"),
    maxTime: duration("the longest ejection"),
    maxShare: share("the largest share of a pool that may be ejected"),
    mode: word("observe = eject nobody, count and log what would have been", {
      noun: "a mode",
      words: ["enforce", "observe"],
      peers: { on: "enforce", dryrun: "observe", report: "observe" },
    }),
  });
}

/** A pool. */
export function pool() {
  return mapping("pool", {
    algorithm: word("which target takes the next session", {
      noun: "an algorithm",
      words: algorithmNames,
      peers: ALGORITHM_WORDS,
    }),
    targets: list(scalarOrMapping(targetAddress("host:port"), target()), `"10.0.0.11:8080"`),
    health: scalarOrMapping(none("always up", "check, interval"), health()),
    ejection: scalarOrMapping(none("never eject", "consecutiveFailures, baseTime"), ejection()),
    slowStart: duration("how long the weight grows after coming back up", { none: true }),
    resolve: mapping("resolve", {
      interval: duration("between two lookups of a target's host name", { fromMs: 1000 }),
    }),
    retry: mapping("retry", {
      attempts: count("connect attempts of a session", { from: 1, to: 100 }),
      pause: duration("before a session asks a target again that it has tried"),
    }),
    queue: mapping("queue", { size: count("clients waiting for a target", { from: 1, to: 1_000_000 }) }),
    hold: duration("how long clients wait while no target is eligible", { none: true }),
    onTargetDown: word("open sessions of a target that goes down", {
      noun: "an answer to a target going down",
      words: ["keep", "close"],
      peers: { shutdownsessions: "close", kill: "close", none: "keep" },
    }),
    failOpen: word("whether to try targets that are all down", {
      noun: "a way to fail open",
      words: ["never", "allDown"],
      peers: { none: "never", false: "never", true: "allDown", always: "allDown" },
    }),
    timeouts: timeouts(),
  });
}

/** The process. */
export function processKeys() {
  return mapping("process", {
    engine: word("what moves the bytes; auto = linux where it can run", {
      noun: "an engine",
      words: ["auto", ...engineNames],
    }),
    workers: countOrAuto("data-plane threads; auto = available cores", { from: 1, to: 256 }),
    maxConnections: count("sessions in the whole process", { from: 1, to: 10_000_000, none: true }),
    drain: mapping("drain", {
      delay: duration("how long it goes on accepting, no longer ready", { fromMs: 0 }),
      deadline: duration("when stopping cuts the sessions that are left", { none: true }),
      closeSpread: duration("over how long they are cut", { none: true }),
    }),
  });
}

/** The admin server. */
export function admin() {
  return mapping("admin", {
    listen: listenAddress("where the admin server listens"),
    tokenFile: textOrNone("a file with the token that writes need", {
      wanted: "the path of a file",
      test: /^[^\p{Cc}]{1,4096}$/u,
    }),
  });
}

/** What is logged. */
export function log() {
  return mapping("log", {
    level: word("the least important line that is written", {
      noun: "a log level",
      words: ["debug", "info", "warn", "error"],
      peers: { warning: "warn", err: "error", notice: "info", trace: "debug", crit: "error" },
    }),
    format: word("auto = text on a terminal, json otherwise", {
      noun: "a log format",
      words: ["auto", "text", "json"],
    }),
    access: word("which closed sessions get a line", {
      noun: "a choice of sessions",
      words: ["all", "abnormal", "none"],
      peers: { off: "none", errors: "abnormal", on: "all" },
    }),
  });
}

/** The whole file. */
export function file() {
  return mapping("file", {
    version: languageVersion("the version of this language"),
    process: processKeys(),
    admin: scalarOrMapping(none("no admin server", "listen, tokenFile"), admin()),
    log: log(),
    defaults: mapping("defaults", { ...listener().entries, ...pool().entries }),
    listeners: named(listener()),
    pools: named(pool()),
  });
}
