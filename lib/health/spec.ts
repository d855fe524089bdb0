/** When a target is probed and how many results in a row change its verdict. All times in milliseconds. */
export interface ProbeTiming {
  /** From the start of one probe to the start of the next while the target is steadily up. */
  readonly intervalMs: number;
  /** From dialling to the last byte of the answer that is read. */
  readonly timeoutMs: number;
  /** Successes in a row that bring a down target up, at least 1. */
  readonly rise: number;
  /** Failures in a row that take an up target down, at least 1. */
  readonly fall: number;
  /** Instead of intervalMs while successes or failures in a row are being counted that may change the verdict. */
  readonly fastIntervalMs: number;
  /** Instead of intervalMs while the target is down and no success has been counted. */
  readonly downIntervalMs: number;
  /** Share by which each wait is made shorter at random, at most, 0 to 1. */
  readonly jitter: number;
  /** `checking`: the first probe alone decides. */
  readonly initial: "checking" | "up" | "down";
}

/** What an answer must be for the probe to succeed. */
export interface Expect {
  /** The status must lie in one of these, both ends included. */
  readonly status: readonly { readonly from: number; readonly to: number }[];
  /** The trimmed text of the first 64 KiB must equal this; undefined = any body. */
  readonly body: string | undefined;
}

/** A probe that connects and closes. */
export interface TcpCheck {
  readonly check: "tcp";
  /** Dialled instead of the target's own port; undefined = that one. */
  readonly port: number | undefined;
  readonly timing: ProbeTiming;
}

/** A probe that sends one HTTP/1.1 request. */
export interface HttpCheck {
  readonly check: "http" | "https";
  /** The Host header, and the name the certificate must carry; undefined = the target's own address. */
  readonly host: string | undefined;
  /** Dialled instead of the target's own port; undefined = that one. */
  readonly port: number | undefined;
  /** Path and query as they go on the wire, with a leading slash. */
  readonly path: string;
  readonly method: string;
  readonly expect: Expect;
  readonly timing: ProbeTiming;
}

/** A probe that asks a URL as a browser would: redirects, proxies and the trust of the system. */
export interface UrlCheck {
  readonly check: "url";
  /** `{host}` and `{port}` in it stand for the target's. */
  readonly url: string;
  readonly method: string;
  readonly expect: Expect;
  readonly timing: ProbeTiming;
}

/** How a pool's targets are checked; `none` means up for as long as there is an address. */
export type HealthSpec = { readonly check: "none" } | ProbedSpec;

/** The specs that probe. */
export type ProbedSpec = TcpCheck | HttpCheck | UrlCheck;

/** Where a target serves, and what its name stands for now. */
export interface ProbeTarget {
  /** As lb.yaml writes it: what a Host header, a certificate's name and `{host}` say. IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** IP addresses to dial, in order of preference; empty = the name stands for nothing, and `unresolved` says why. */
  readonly addresses: readonly string[];
  /** Why there is no address ("host not found", "not resolved yet"); only read where `addresses` is empty. */
  readonly unresolved?: string;
}

/** What one probe found, in the words an operator reads. */
export interface ProbeResult {
  /**
   * `inconclusive` says nothing about the target, because this process or machine was at fault (a starved process, no free descriptor, no
   * CA store) or the probe was stopped; it is repeated soon.
   */
  readonly outcome: "passed" | "failed" | "inconclusive";
  /** From dialling to the end. */
  readonly ms: number;
  readonly detail: string;
  /** The address that took the connection; undefined where none did, or where the check does not dial itself. */
  readonly address: string | undefined;
}

/** A target to watch; `key` is its identity and stays over reloads. */
export interface Watched {
  readonly key: string;
  readonly target: ProbeTarget;
  readonly health: HealthSpec;
}

/** The newest probe of a target; `at` is when it ended, in milliseconds of the monitor's clock. */
export interface LastProbe extends ProbeResult {
  readonly at: number;
}
