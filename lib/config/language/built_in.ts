import type { Mapping } from "../yaml/located.ts";

/** The built-in defaults in the language's own words: the lowest layer of every mapping. */
export function builtIn(): BuiltIn {
  return {
    process: {
      engine: "auto",
      workers: "auto",
      maxConnections: 20000,
      drain: { delay: "0s", deadline: "30s", closeSpread: "5s" },
    },
    admin: { listen: "127.0.0.1:9900", tokenFile: "none" },
    log: { level: "info", format: "auto", access: "abnormal" },
    timeouts: {
      connect: "5s",
      idle: "1h",
      halfClosed: "30s",
      stall: "30s",
      keepAlive: "60s",
      lifetime: "none",
      queue: "5s",
    },
    listener: { maxConnections: "none" },
    pool: {
      algorithm: "roundRobin",
      health: {
        check: "tcp",
        path: "/health",
        method: "GET",
        expect: { status: "200-299", body: "none" },
        interval: "2s",
        timeout: "1s",
        rise: 2,
        fall: 3,
        fastInterval: "500ms",
        downInterval: "5s",
        jitter: "10%",
        initial: "checking",
      },
      ejection: { consecutiveFailures: 5, baseTime: "30s", maxTime: "5m", maxShare: "50%", mode: "enforce" },
      slowStart: "none",
      resolve: { interval: "30s" },
      retry: { attempts: 3, pause: "1s" },
      queue: { size: 1000 },
      hold: "none",
      onTargetDown: "keep",
      failOpen: "never",
    },
    target: { weight: 1, maxConnections: "none", tier: 0 },
  };
}

/** One layer for each kind of mapping that has defaults. */
export interface BuiltIn {
  readonly process: Mapping;
  readonly admin: Mapping;
  readonly log: Mapping;
  readonly timeouts: Mapping;
  readonly listener: Mapping;
  readonly pool: Mapping;
  readonly target: Mapping;
}
