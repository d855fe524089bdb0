import type { HttpCheck, ProbeTiming, TcpCheck } from "../../../lib/health/spec.ts";

/** The timing of contract.md, with changes. */
export function timing(changes: Partial<ProbeTiming> = {}): ProbeTiming {
  return {
    intervalMs: 2000,
    timeoutMs: 1000,
    rise: 2,
    fall: 3,
    fastIntervalMs: 500,
    downIntervalMs: 5000,
    jitter: 0.1,
    initial: "checking",
    ...changes,
  };
}

/** A tcp check of the target's own port. */
export function tcp(changes: Partial<ProbeTiming> = {}): TcpCheck {
  return { check: "tcp", port: undefined, timing: timing(changes) };
}

/** `GET /health`, status 200-299, the body `up`, a short timeout. */
export function http(changes: Partial<HttpCheck> = {}): HttpCheck {
  return {
    check: "http",
    host: undefined,
    port: undefined,
    path: "/health",
    method: "GET",
    expect: { status: [{ from: 200, to: 299 }], body: "up" },
    timing: timing({ timeoutMs: 300 }),
    ...changes,
  };
}

/** An http check that takes any body. */
export function anyBody(): HttpCheck {
  return http({ expect: { status: [{ from: 200, to: 299 }], body: undefined } });
}
