/** A host name's addresses by Deno's own DNS client, for systems whose name servers stand in no file: Windows. */
import type { AddressType } from "./dns_message.ts";
import type { NameServer, Reply } from "./name_server.ts";

/** Which server is asked, the system's by default, and what ends the lookup. */
export interface RuntimeDnsOptions {
  readonly servers?: readonly NameServer[];
  readonly signal: AbortSignal;
}

/** Asks for the addresses of both families, IPv4 first. Never rejects; ends soon after `signal` aborts. */
export async function resolveByRuntime(host: string, options: RuntimeDnsOptions): Promise<Reply> {
  const replies = await Promise.all([ask(host, "A", options), ask(host, "AAAA", options)]);
  const addresses = replies.flatMap((reply) => reply.kind === "addresses" ? reply.addresses : []);
  if (addresses.length > 0) return { kind: "addresses", addresses };
  return replies.find(({ kind }) => kind === "silent") ?? replies[0]!;
}

async function ask(host: string, type: AddressType, options: RuntimeDnsOptions): Promise<Reply> {
  const { servers: [server] = [], signal } = options;
  try {
    const nameServer = server && { nameServer: { ipAddr: server.hostname, port: server.port } };
    return { kind: "addresses", addresses: await Deno.resolveDns(host, type, { signal, ...nameServer }) };
  } catch (error) {
    // It tells neither NXDOMAIN from no data nor from REFUSED.
    return error instanceof Deno.errors.NotFound ? { kind: "noSuchName" } : { kind: "silent" };
  }
}
