/** What a host name stands for, as this system has it: the hosts file first, then DNS. */
import { canonicalIp } from "../values/ip.ts";
import { resolveByDns } from "./dns.ts";
import { maxAddresses } from "./dns_message.ts";
import { canonicalName, isHostName, isLocalhost } from "./host_name.ts";
import { type HostsFile, parseHosts } from "./hosts_file.ts";
import type { NameServer, Reply } from "./name_server.ts";
import { resolveByRuntime } from "./runtime_dns.ts";
import { parseResolvConf } from "./resolv_conf.ts";
import { Semaphore } from "./semaphore.ts";
import { readSmallFile } from "./small_file.ts";
import { Timeout } from "./timeout.ts";

/** What a lookup has come to. */
export type Lookup =
  | {
    readonly kind: "found";
    /**
     * IP literals in their one form, at least one, at most 64, each once: those of the hosts file in its order; those of DNS
     * with IPv4 first, each family in the name server's order.
     */
    readonly addresses: readonly string[];
  }
  | {
    readonly kind: "failed";
    /** Why, in words for people: "host not found", "no name server answers (10.0.0.1)". */
    readonly cause: string;
  };

/** Looks names up. */
export interface Resolver {
  /** Never rejects; ends soon after `signal` aborts, with nothing left open. */
  lookup(host: string, signal: AbortSignal): Promise<Lookup>;
}

/** Where the system's settings are found; each has a default. */
export interface ResolverOptions {
  readonly hostsPath?: string;
  readonly resolvConfPath?: string;
  /** Asked instead of those that the resolver configuration names. */
  readonly servers?: readonly NameServer[];
  /** For each question to each server, instead of what the resolver configuration says. */
  readonly timeoutMs?: number;
  /** For a whole lookup, from its first question on. */
  readonly maxMs?: number;
  /** Lookups that ask name servers at the same time. Those that the hosts file answers are not counted, and wait for none. */
  readonly maxLookups?: number;
  /** Whether the system has a hosts file and a resolver configuration; without, Deno's own DNS client asks. */
  readonly hasFiles?: boolean;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

const defaults = {
  hostsPath: "/etc/hosts",
  resolvConfPath: "/etc/resolv.conf",
  // As long as three silent servers take with the settings that resolv.conf(5) gives when the file gives none.
  maxMs: 30_000,
  maxLookups: 64,
  now: () => performance.now(),
};

const dnsPort = 53;
/** Lists that block advertisements make hosts files of some megabytes. */
const maxHostsBytes = 8 * 1024 * 1024;
/** Reading and comparing 6 MB takes 8 ms, which is too much for each of a thousand names that are looked up at once. */
const largeHostsBytes = 256 * 1024;
const largeHostsMs = 1000;
const maxResolvConfBytes = 64 * 1024;

/**
 * The resolver of this system.
 *
 * It uses neither getaddrinfo nor a thread: nothing but the lookup itself waits for a silent name server. Both files are read
 * at each lookup, so that a change counts at once; a hosts file of more than 256 KiB once a second. Other sources that the C
 * library may know (nsswitch.conf: mDNS, LDAP) are not asked.
 */
export function systemResolver(options: ResolverOptions = {}): Resolver {
  return new SystemResolver(options);
}

class SystemResolver implements Resolver {
  readonly #options: ResolverOptions & typeof defaults;
  readonly #permits: Semaphore;
  /** The hosts file as it was read last: of a large one, the comparison costs less than parsing it. */
  #hosts: { readonly text: string; readonly file: HostsFile } = { text: "", file: new Map() };
  #hostsReadAt = -Infinity;

  constructor(options: ResolverOptions) {
    this.#options = { ...defaults, ...options };
    this.#permits = new Semaphore(this.#options.maxLookups);
  }

  lookup(host: string, signal: AbortSignal): Promise<Lookup> {
    const known = this.#known(host);
    return known === undefined ? this.#ask(host, signal) : Promise.resolve(known);
  }

  /** What needs no name server. */
  #known(host: string): Lookup | undefined {
    const literal = canonicalIp(host);
    if (literal !== undefined) return { kind: "found", addresses: [literal] };
    const name = canonicalName(host);
    if (!isHostName(name)) return { kind: "failed", cause: "not a host name" };
    const addresses = this.#readHosts().get(name);
    if (addresses !== undefined) return { kind: "found", addresses };
    return isLocalhost(name) ? { kind: "found", addresses: ["127.0.0.1", "::1"] } : undefined;
  }

  #readHosts(): HostsFile {
    const now = this.#options.now();
    if (this.#hosts.text.length > largeHostsBytes && now - this.#hostsReadAt < largeHostsMs) {
      return this.#hosts.file;
    }
    this.#hostsReadAt = now;
    const text = readSmallFile(this.#options.hostsPath, maxHostsBytes) ?? "";
    if (text !== this.#hosts.text) this.#hosts = { text, file: parseHosts(text, { maxAddresses }) };
    return this.#hosts.file;
  }

  async #ask(host: string, signal: AbortSignal): Promise<Lookup> {
    using permit = await this.#permits.acquire(signal);
    if (permit === undefined) return { kind: "failed", cause: "the lookup was given up" };
    using limit = new Timeout(this.#options.maxMs, signal);
    const { resolvConfPath, hasFiles = Deno.build.os !== "windows" } = this.#options;
    if (!hasFiles) {
      const reply = await resolveByRuntime(host, { ...this.#options, signal: limit.signal });
      return lookupOf(reply, this.#options.servers ?? []);
    }
    const conf = parseResolvConf(readSmallFile(resolvConfPath, maxResolvConfBytes) ?? "");
    const {
      servers = conf.servers.map((hostname) => ({ hostname, port: dnsPort })),
      timeoutMs = conf.timeoutMs,
    } = this.#options;
    const reply = await resolveByDns(host, { ...conf, servers, timeoutMs, signal: limit.signal });
    return lookupOf(reply, servers);
  }
}

/** Says in words what name servers have said. */
function lookupOf(reply: Reply, servers: readonly NameServer[]): Lookup {
  const asked = servers.length === 0 ? "" : ` (${servers.map(({ hostname }) => hostname).join(", ")})`;
  switch (reply.kind) {
    case "addresses":
      return { kind: "found", addresses: reply.addresses.slice(0, maxAddresses) };
    case "noSuchName":
      return { kind: "failed", cause: "host not found" };
    case "noData":
      return { kind: "failed", cause: "no address" };
    case "aliasLoop":
      return { kind: "failed", cause: "its aliases (CNAME) lead nowhere" };
    case "refused":
      return { kind: "failed", cause: `the name server refuses${asked}` };
    case "serverFailure":
      return { kind: "failed", cause: `the name server fails (${reply.code})` };
    case "silent":
      return { kind: "failed", cause: `no name server answers${asked}` };
    case "unreachable":
      return { kind: "failed", cause: `no name server can be reached${asked}` };
    case "noResources":
      return { kind: "failed", cause: "no descriptor or memory is free for a lookup" };
  }
}
