import type { SocketAddress } from "../values/address.ts";

/**
 * One address that serves connections, as one snapshot sees it.
 *
 * `slot` numbers its words in shared memory and stays with the address from snapshot to snapshot. `weight` is 0 or
 * more and may be fractional (0 = no new sessions). `maxConnections` is `Infinity` when there is no limit. Tier 0
 * serves first. `serving` is the control plane's verdict: up, not ejected, not draining, not in maintenance.
 */
export interface Target {
  readonly address: string;
  /** The same address, parsed: what a session connects to. */
  readonly socketAddress: SocketAddress;
  readonly slot: number;
  readonly weight: number;
  readonly maxConnections: number;
  readonly tier: number;
  readonly serving: boolean;
}
