import type { ProbedSpec, ProbeTarget } from "./spec.ts";

/** How one attempt ended: a judgement, a fault of our own that judges nothing, or `cut` because `signal` aborted. */
export type Attempt =
  | { readonly kind: "ok"; readonly detail: string }
  | { readonly kind: "failed"; readonly detail: string }
  | { readonly kind: "ours"; readonly detail: string }
  /** `answering`: some of the answer was there. */
  | { readonly kind: "cut"; readonly answering: boolean };

/** The address a probe dials: the target's, unless the check names a port of its own. */
export function dialAddress(
  spec: ProbedSpec,
  target: ProbeTarget,
): ProbeTarget {
  return { host: target.host, port: (spec.check === "url" ? undefined : spec.port) ?? target.port };
}

/** Connects; the caller closes. Throws what Deno.connect throws, and the signal's reason when it aborts. */
export async function dial({ host, port }: ProbeTarget, signal: AbortSignal): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: host, port, signal });
  if (!signal.aborted) return conn;
  // The connection was made in the same turn as the abort: nobody else will close it.
  conn.close();
  throw signal.reason;
}
