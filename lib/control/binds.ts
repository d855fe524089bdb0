/** Is an address free to listen on? Asked before the data plane binds it. */
import { formatAddress, type SocketAddress } from "../values/address.ts";

/**
 * Throws what the system says when an address cannot be bound by a process alone: threads bind with SO_REUSEPORT, and
 * so would share a port silently with another instance of this program. A socket file that nobody answers on is free.
 */
export async function checkFree(address: SocketAddress): Promise<void> {
  if (address.kind === "unix") {
    if (await unixFile(address.path) !== "answers") return;
    throw new Deno.errors.AddrInUse(`${formatAddress(address)}: somebody answers there`);
  }
  if (address.port === 0) return;
  Deno.listen({ hostname: address.host, port: address.port }).close();
}

/** Removes the socket file of a unix bind that a process which was killed has left behind. */
export async function removeStale(address: SocketAddress): Promise<void> {
  if (address.kind === "unix" && await unixFile(address.path) === "stale") await Deno.remove(address.path);
}

/** What stands at the path of a unix bind. Throws when it is something else than a socket. */
async function unixFile(path: string): Promise<"nothing" | "stale" | "answers"> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (!isSocket) throw new Deno.errors.AlreadyExists(`${path} exists and is not a socket`);
    (await Deno.connect({ transport: "unix", path })).close();
    return "answers";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "nothing";
    if (error instanceof Deno.errors.ConnectionRefused) return "stale";
    throw error;
  }
}
