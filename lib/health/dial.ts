import type { HttpCheck, ProbeTarget, TcpCheck } from "./spec.ts";

/** How a probe ended: a judgement, a fault of our own that judges nothing, or `cut` because `signal` aborted. */
export type ProbeOutcome =
  | { readonly kind: "passed"; readonly detail: string }
  | { readonly kind: "failed"; readonly detail: string }
  | { readonly kind: "localFault"; readonly detail: string }
  /** `answering`: some of the answer was there. */
  | { readonly kind: "cut"; readonly answering: boolean };

/** A host, or an address, and a port. */
export interface DialAddress {
  readonly host: string;
  readonly port: number;
}

/** The address a probe dials: the target's, unless the check names a port of its own. */
export function dialAddress(
  spec: TcpCheck | HttpCheck,
  target: ProbeTarget,
): DialAddress {
  return { host: target.addresses[0] ?? target.host, port: spec.port ?? target.port };
}

/** Connects; the caller closes. Throws what Deno.connect throws, and the signal's reason when it aborts. */
export async function dial({ host, port }: DialAddress, signal: AbortSignal): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: host, port, signal });
  if (!signal.aborted) return conn;
  // The connection was made in the same turn as the abort: nobody else will close it.
  conn.close();
  throw signal.reason;
}
