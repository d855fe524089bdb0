/** Several addresses of one target: one attempt that tries them in their order. One rule for every engine. */
import { formatAddress, type SocketAddress } from "../values/address.ts";
import type { Connected, ConnectFailure } from "./engine.ts";

/** What an engine supplies. */
export interface InOrderOptions {
  /** For all addresses together; Infinity = the system's own limit. */
  readonly timeoutMs: number;
  /** The engine's clock, in milliseconds. */
  readonly now: () => number;
  /** Tries one address for so long; the `index` of its answer is ignored. */
  readonly connectTo: (address: SocketAddress, timeoutMs: number) => Promise<Connected>;
}

/**
 * Tries addresses until one connects. Each gets an equal share of the time that is left among those not tried yet, so
 * that one that never answers does not use up the attempt, and one that refuses at once leaves its share to the others.
 * A client that is gone ends it at once.
 */
export function connectInOrder(
  addresses: readonly SocketAddress[],
  options: InOrderOptions,
): Promise<Connected> {
  const [first, ...others] = addresses;
  if (first === undefined) {
    return Promise.resolve({ kind: "failed", failure: "unreachable", detail: "no address" });
  }
  // Nearly every target has one address, and this is on the path of every session.
  return others.length === 0 ? options.connectTo(first, options.timeoutMs) : connectToAny(addresses, options);
}

type Failed = Extract<Connected, { kind: "failed" }>;

async function connectToAny(
  addresses: readonly SocketAddress[],
  { timeoutMs, now, connectTo }: InOrderOptions,
): Promise<Connected> {
  const endAt = now() + timeoutMs;
  const failures: Failed[] = [];
  for (const [index, address] of addresses.entries()) {
    const shareMs = Math.max(0, (endAt - now()) / (addresses.length - index));
    const connected = await connectTo(address, shareMs);
    if (connected.kind === "connected") return { ...connected, index };
    if (connected.failure === "client_gone") return connected;
    failures.push({ ...connected, detail: `${formatAddress(address)}: ${connected.detail}` });
  }
  const detail = failures.map((failed) => failed.detail).join("; ");
  return { kind: "failed", failure: summary(failures), detail };
}

/**
 * Which failure stands for all of them: a fault of this machine, since it says nothing against the target; else the one
 * that shows most of the target: a refusal comes from a running host, silence may come from one, and an address that cannot
 * be reached was never asked.
 */
const ranks: readonly ConnectFailure[] = ["resource", "refused", "timeout", "unreachable"];

function summary(failures: readonly Failed[]): ConnectFailure {
  return ranks.find((rank) => failures.some(({ failure }) => failure === rank)) ?? "unreachable";
}
