import { errorCode } from "../../values/system_error.ts";
import { socketFaultOf } from "../faults.ts";
import type { ProbeTarget } from "../spec.ts";
import { starvedDetail, type TimeLimit } from "../time_limit.ts";
import type { ProbeOutcome } from "./outcome.ts";

/** Deno.connect, or what a test puts in its place. */
export type Connect = (
  options: { readonly hostname: string; readonly port: number; readonly signal: AbortSignal },
) => Promise<Deno.TcpConn>;

/** A connection, which the caller closes, or how the probe ended for want of one. */
export type Dialled = { readonly kind: "connected"; readonly conn: Deno.TcpConn } | ProbeOutcome;

export interface DiallerOptions {
  readonly connect: Connect;
  readonly hasIpv6: () => boolean;
  /** The address that worked last; it is dialled first where the target still has it. */
  readonly preferred: string | undefined;
}

export interface DialOptions {
  /** Dialled instead of the target's own port; undefined = that one. */
  readonly port: number | undefined;
  readonly limit: TimeLimit;
}

/** At most so many addresses are named where all have failed. */
const maxNamed = 4;

/** Connects one probe to a target, and knows afterwards which address took the connection. */
export class Dialler {
  readonly #options: DiallerOptions;
  #address: string | undefined;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  /** The address that took the connection. */
  get address(): string | undefined {
    return this.#address;
  }

  /**
   * Dials the addresses in order until one takes the connection, as a session does: what answers there is judged, and no
   * other is asked. Each address gets an equal share of the time that is left, so that a silent one leaves some for the rest.
   */
  async dial(target: ProbeTarget, { port = target.port, limit }: DialOptions): Promise<Dialled> {
    const addresses = this.#inOrder(target);
    const failures: string[] = [];
    for (const [i, address] of addresses.entries()) {
      const left = addresses.length - i;
      using share = left === 1 ? undefined : limit.part(limit.remainingMs / left);
      const dialled = await this.#dialOne({ hostname: address, port }, (share ?? limit).signal);
      if (dialled.kind === "connected") this.#address = address;
      if (dialled.kind === "connected" || dialled.kind === "localFault" || addresses.length === 1) {
        return dialled;
      }
      // A process that was starved has not given this address its time.
      if (share?.cause === "starved") return { kind: "localFault", detail: starvedDetail };
      const { cause } = limit;
      if (cause !== undefined && cause !== "timeout") return dialled;
      failures.push(`${address}: ${dialled.kind === "failed" ? dialled.detail : "no answer"}`);
      if (cause !== undefined) break;
    }
    const more = failures.length > maxNamed ? [`${failures.length - maxNamed} more`] : [];
    return { kind: "failed", detail: [...failures.slice(0, maxNamed), ...more].join(", ") };
  }

  #inOrder({ addresses }: ProbeTarget): readonly string[] {
    const { preferred } = this.#options;
    if (preferred === undefined || preferred === addresses[0] || !addresses.includes(preferred)) {
      return addresses;
    }
    return [preferred, ...addresses.filter((address) => address !== preferred)];
  }

  async #dialOne(
    address: { readonly hostname: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<Dialled> {
    try {
      const conn = await this.#options.connect({ ...address, signal });
      if (!signal.aborted) return checked(conn);
      // The connection was made in the moment of the abort: nobody else will close it.
      conn.close();
    } catch (error) {
      if (!signal.aborted) {
        if (this.#lacksIpv6(error, address)) return { kind: "failed", detail: "this machine has no IPv6" };
        const { local, detail } = socketFaultOf(error);
        return { kind: local ? "localFault" : "failed", detail };
      }
    }
    return { kind: "cut", answering: false };
  }

  /**
   * Linux gives the same error where no local port is free, which says nothing about the target, and where no address of this
   * machine can be used towards an IPv6 one, which nobody reaches from here then.
   */
  #lacksIpv6(error: unknown, { hostname }: { readonly hostname: string }): boolean {
    return hostname.includes(":") && errorCode(error) === "EADDRNOTAVAIL" && !this.#options.hasIpv6();
  }
}

/**
 * A dead port of this machine in the range of ephemeral ports can be dialled from itself (TCP's simultaneous open); nobody
 * listens there.
 */
function checked(conn: Deno.TcpConn): Dialled {
  const { localAddr: from, remoteAddr: to } = conn;
  if (from.port !== to.port || from.hostname !== to.hostname) return { kind: "connected", conn };
  conn.close();
  return { kind: "failed", detail: "connection refused" };
}
