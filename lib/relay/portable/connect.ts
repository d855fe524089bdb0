/** Connecting by `Deno.connect`, which knows neither a time limit nor a client that leaves meanwhile. */
import type { SocketAddress } from "../../values/address.ts";
import type { Connected, ConnectFailure, ConnectOptions, Socket } from "../engine.ts";
import { clientGone, connectedToItself, noIpv6, osError, timedOut, wordsForError } from "../failure_words.ts";
import { isLiteral, notAnAddress } from "../literal.ts";
import { PortableSocket } from "./socket.ts";

/** Opens a connection; rejects as `Deno.connect` does. */
export type Dial = (address: SocketAddress, signal: AbortSignal) => Promise<Deno.Conn>;

/** How a connection is opened, and whether this machine has IPv6 where that is in doubt. */
export interface Dialling {
  readonly dial: Dial;
  readonly hasIpv6?: () => boolean;
}

/** Tries one address. */
export async function connectTo(
  address: SocketAddress,
  { client, timeoutMs, dial, hasIpv6 = bindsIpv6Loopback }: ConnectOptions & Dialling,
): Promise<Connected> {
  if (!isLiteral(address)) return failed("unreachable", notAnAddress(address));
  const abort = new AbortController();
  let givenUp: Connected | undefined;
  const giveUp = (failure: ConnectFailure, detail: string) => {
    givenUp ??= failed(failure, detail);
    abort.abort();
  };
  const timer = Number.isFinite(timeoutMs)
    ? setTimeout(() => giveUp("timeout", timedOut), timeoutMs)
    : undefined;
  const stopWatching = client.whenGone(() => giveUp("client_gone", clientGone));
  try {
    const conn = await dial(address, abort.signal);
    if (givenUp === undefined && !isConnectedToItself(conn)) {
      return { kind: "connected", socket: new PortableSocket(conn), index: 0 };
    }
    conn.close();
    return givenUp ?? failed("refused", connectedToItself);
  } catch (error) {
    if (givenUp !== undefined) return givenUp;
    if (lacksIpv6(address, { error, hasIpv6 })) return failed("unreachable", noIpv6);
    return failed(failureOf(error), wordsForError(error));
  } finally {
    clearTimeout(timer);
    stopWatching();
  }
}

/** Dials with Deno's own sockets. */
export function dial(address: SocketAddress, signal: AbortSignal): Promise<Deno.Conn> {
  // `Deno.connect` ignores its own `timeout` option; the signal works and leaves no descriptor behind.
  return address.kind === "unix"
    ? Deno.connect({ transport: "unix", path: address.path })
    : Deno.connect({ hostname: address.host, port: address.port, signal } as Deno.ConnectOptions);
}

/** Opens a connection that belongs to no session. Rejects as `Deno.connect` does. */
export async function dialAsClient(address: SocketAddress): Promise<Socket> {
  return new PortableSocket(await dial(address, new AbortController().signal));
}

/**
 * A socket that dials a port of this machine where nobody listens may have been given that very port as its own, and then
 * connects to itself (RFC 9293, section 3.5, simultaneous open).
 */
function isConnectedToItself({ localAddr, remoteAddr }: Deno.Conn): boolean {
  return localAddr.transport === "tcp" && remoteAddr.transport === "tcp" &&
    localAddr.port === remoteAddr.port && localAddr.hostname === remoteAddr.hostname;
}

/** Error numbers of Linux (errno.h) that mean a fault of this machine: ENOMEM, ENFILE, EMFILE, EADDRNOTAVAIL, ENOBUFS. */
const localFaults: ReadonlySet<number> = new Set([12, 23, 24, 99, 105]);

/**
 * The system gives the same error where no local port is free, which says nothing about the target, and where no address of
 * this machine can be used towards an IPv6 one.
 */
function lacksIpv6(
  address: SocketAddress,
  { error, hasIpv6 }: { readonly error: unknown; readonly hasIpv6: () => boolean },
): boolean {
  return address.kind === "tcp" && address.host.includes(":") && isNotAvailable(error) && !hasIpv6();
}

/** A machine that has IPv6 addresses has that of its loopback; binds a port of it for a moment. */
function bindsIpv6Loopback(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch (error) {
    return !isNotAvailable(error);
  }
}

function isNotAvailable(error: unknown): boolean {
  return error instanceof Deno.errors.AddrNotAvailable;
}

function failureOf(error: unknown): ConnectFailure {
  const number = osError(error);
  if (number !== undefined && localFaults.has(number)) return "resource";
  if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset) {
    return "refused";
  }
  return error instanceof Deno.errors.TimedOut ? "timeout" : "unreachable";
}

function failed(failure: ConnectFailure, detail: string): Connected {
  return { kind: "failed", failure, detail };
}
