import type { SocketAddress, TcpAddress } from "../values/address.ts";
import type { AlgorithmName, EngineName } from "../values/words.ts";
import type { StatusRange } from "./language/status.ts";

/** A whole configuration with every default filled in. Durations in ms, shares as fractions, Infinity = no limit. */
export interface Config {
  readonly process: ProcessConfig;
  /** undefined = no admin server. */
  readonly admin: AdminConfig | undefined;
  readonly log: LogConfig;
  /** In file order. */
  readonly listeners: readonly ListenerConfig[];
  /** In file order. */
  readonly pools: readonly PoolConfig[];
}

/**
 * The process: `maxConnections` sessions in all. `drain.delayMs` 0 or more: how long it goes on accepting once it is to stop;
 * `deadlineMs` Infinity = wait for ever, `closeSpreadMs` 0 = cut at once.
 */
export interface ProcessConfig {
  readonly engine: "auto" | EngineName;
  readonly workers: number | "auto";
  readonly maxConnections: number;
  readonly drain: { readonly delayMs: number; readonly deadlineMs: number; readonly closeSpreadMs: number };
}

/** The admin server; a listen address other machines reach always comes with a token file. */
export interface AdminConfig {
  readonly listen: SocketAddress;
  readonly tokenFile: string | undefined;
}

/** What is logged. */
export interface LogConfig {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly format: "auto" | "text" | "json";
  readonly access: "all" | "abnormal" | "none";
}

/** Timeouts of a session in ms, 1 or more; Infinity = none. */
export interface Timeouts {
  readonly connectMs: number;
  readonly idleMs: number;
  readonly halfClosedMs: number;
  readonly stallMs: number;
  readonly keepAliveMs: number;
  readonly lifetimeMs: number;
  readonly queueMs: number;
}

/** A listener; its timeouts are resolved with its pool: built-in < defaults < listener < pool. */
export interface ListenerConfig {
  readonly name: string;
  /** At least one. */
  readonly bind: readonly SocketAddress[];
  /** The name of a pool that exists. */
  readonly pool: string;
  readonly maxConnections: number;
  readonly timeouts: Timeouts;
}

/** A target; weight 0..1000, tier 0..100. */
export interface TargetConfig {
  readonly address: TcpAddress;
  readonly weight: number;
  readonly maxConnections: number;
  readonly tier: number;
}

/** When a target is probed and what a row of answers means; `jitter` is a fraction of the interval. */
export interface ProbeTimingConfig {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  readonly fastIntervalMs: number;
  readonly downIntervalMs: number;
  readonly jitter: number;
  readonly initial: "checking" | "up" | "down";
}

/** A health check that asks over HTTP; `host` and `port` undefined = those of the target, `body` undefined = any. */
export interface HttpHealthConfig {
  readonly check: "http" | "https";
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: string;
  readonly method: "GET" | "HEAD" | "OPTIONS" | "POST";
  readonly expect: { readonly status: readonly StatusRange[]; readonly body: string | undefined };
  readonly timing: ProbeTimingConfig;
}

/**
 * A health check that asks a URL with `fetch`. `{host}` and `{port}` in it stand for those of the target, an IPv6 address in
 * brackets; http or https, without a user and a password.
 */
export interface UrlHealthConfig {
  readonly check: "url";
  readonly url: string;
  readonly method: HttpHealthConfig["method"];
  readonly expect: HttpHealthConfig["expect"];
  readonly timing: ProbeTimingConfig;
}

/** How the targets of a pool are probed; none = always up. */
export type HealthConfig =
  | { readonly check: "none" }
  | { readonly check: "tcp"; readonly port: number | undefined; readonly timing: ProbeTimingConfig }
  | HttpHealthConfig
  | UrlHealthConfig;

/**
 * When real connections take a target out; `maxShare` is a fraction of the pool. `observe`: nothing is taken out, what would have
 * been is counted and logged.
 */
export interface EjectionConfig {
  readonly consecutiveFailures: number;
  readonly baseTimeMs: number;
  readonly maxTimeMs: number;
  readonly maxShare: number;
  readonly mode: "enforce" | "observe";
}

/** A pool; `slowStartMs` and `holdMs` undefined = off, `ejection` undefined = never. */
export interface PoolConfig {
  readonly name: string;
  readonly algorithm: AlgorithmName;
  /** At least one, each address once, not all with weight 0. */
  readonly targets: readonly TargetConfig[];
  readonly health: HealthConfig;
  readonly ejection: EjectionConfig | undefined;
  readonly slowStartMs: number | undefined;
  /** Between two lookups of a target's host name, 1,000 or more. */
  readonly resolveIntervalMs: number;
  /** How often a session tries to connect, and the pause in ms before it asks a target again. */
  readonly retry: { readonly attempts: number; readonly pauseMs: number };
  readonly queue: { readonly size: number };
  readonly holdMs: number | undefined;
  readonly onTargetDown: "keep" | "close";
  readonly failOpen: "never" | "allDown";
}
