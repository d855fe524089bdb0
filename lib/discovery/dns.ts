/** A host name's addresses by DNS: servers, attempts and the search list as resolv.conf(5) has them. */
import type { AddressType, Question } from "./dns_message.ts";
import { canonicalName, isHostName } from "./host_name.ts";
import { askNameServer, type NameServer, type Reply } from "./name_server.ts";
import type { ResolvConf } from "./resolv_conf.ts";
import { Timeout } from "./timeout.ts";

/** How names are asked for: a resolver configuration, whose servers have ports. */
export interface DnsOptions extends Omit<ResolvConf, "servers"> {
  readonly servers: readonly NameServer[];
  /** Ends the lookup at once. */
  readonly signal: AbortSignal;
}

/** Where several replies differ, the one with the highest rank is reported. */
const ranks: { readonly [kind in Reply["kind"]]: number } = {
  noSuchName: 0,
  noData: 1,
  aliasLoop: 2,
  unreachable: 3,
  silent: 4,
  refused: 5,
  serverFailure: 6,
  noResources: 7,
  addresses: 8,
};

const types: readonly AddressType[] = ["A", "AAAA"];

/**
 * Asks for the addresses of a name, of both families at once.
 *
 * Found are IPv4 addresses first and then IPv6 ones, each in the server's order: where IPv6 does not work, nobody waits for
 * it, and where IPv4 does not exist, connecting fails at once. Never rejects; ends soon after `signal` aborts.
 */
export async function resolveByDns(host: string, options: DnsOptions): Promise<Reply> {
  const replies: Reply[] = [];
  for (const name of candidates(host, options)) {
    const reply = await resolveName(name, options);
    replies.push(reply);
    // A server that says nothing to one name would keep the lookup waiting as long for each of the others.
    if (reply.kind === "addresses" || !isAnswer(reply) || options.signal.aborted) return reply;
  }
  return highest(replies);
}

/** The names to ask for, in order: with the domains of the search list where the name may be a short one. */
function candidates(host: string, { search, ndots }: DnsOptions): string[] {
  const name = canonicalName(host);
  if (host.endsWith(".")) return [name];
  const dots = name.split(".").length - 1;
  const longer = search.map((domain) => `${name}.${domain}`).filter(isHostName);
  return [...new Set(dots >= ndots ? [name, ...longer] : [...longer, name])];
}

async function resolveName(name: string, options: DnsOptions): Promise<Reply> {
  const { servers, attempts, timeoutMs, signal } = options;
  const replies = new Map<AddressType, Reply>();
  for (let attempt = 0; attempt < attempts; attempt++) {
    for (const server of servers) {
      const open = types.filter((type) => !isSettled(replies.get(type)));
      if (open.length === 0 || signal.aborted) break;
      const questions = open.map((type): Question => ({ id: randomId(), name, type }));
      using limit = new Timeout(timeoutMs, signal);
      const answers = await askNameServer(server, { questions, signal: limit.signal });
      open.forEach((type, index) => replies.set(type, newer(replies.get(type), answers[index]!)));
    }
  }
  return merged(types.map((type) => replies.get(type) ?? { kind: "silent" }));
}

/** Unpredictable, so that an answer cannot be forged without having seen the question (RFC 5452, 9.2). */
function randomId(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0]!;
}

/** Both families as one: what one has found counts, though the other's question got no answer. */
function merged(replies: readonly Reply[]): Reply {
  const addresses = replies.flatMap((reply) => reply.kind === "addresses" ? reply.addresses : []);
  if (addresses.length > 0) return { kind: "addresses", addresses };
  // A name that does not exist has no record of any type (RFC 8020).
  return replies.find(({ kind }) => kind === "noSuchName") ?? highest(replies);
}

/** Of one server's reply and the next one's to the same question. */
function newer(before: Reply | undefined, reply: Reply): Reply {
  return before === undefined || isSettled(reply) ? reply : highest([before, reply]);
}

function highest(replies: readonly Reply[]): Reply {
  return replies.reduce((highest, reply) => ranks[reply.kind] > ranks[highest.kind] ? reply : highest);
}

/** Tells whether no other server needs to be asked. */
function isSettled(reply: Reply | undefined): boolean {
  return reply !== undefined && ["addresses", "noData", "noSuchName", "aliasLoop"].includes(reply.kind);
}

/** Tells whether a server has said anything. */
function isAnswer(reply: Reply): boolean {
  return !["silent", "unreachable", "noResources"].includes(reply.kind);
}
