/** Is an address free to listen on? Asked before the data plane binds it. */
import { formatAddress, type SocketAddress } from "../values/address.ts";

/**
 * Throws what the system says when an address cannot be bound by a process alone: threads bind with SO_REUSEPORT, and
 * so would share a port silently with another instance of this program. Removes the socket file of a unix bind that
 * nobody answers on any more (a process that was killed leaves it behind).
 */
export async function checkFree(address: SocketAddress): Promise<void> {
  if (address.kind === "unix") return await removeStale(address.path);
  if (address.port === 0) return;
  Deno.listen({ hostname: address.host, port: address.port }).close();
}

async function removeStale(path: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (!info.isSocket) throw new Deno.errors.AlreadyExists(`${path} exists and is not a socket`);
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    return await Deno.remove(path);
  }
  throw new Deno.errors.AddrInUse(`${formatAddress({ kind: "unix", path })}: somebody answers there`);
}
