/** A second machine, as far as the kernel is concerned: a network namespace behind a pair of veth interfaces. */
import { ip, Namespace, NotPossible, problemOf, randomId } from "./namespace.ts";
import { missing, type Needs } from "./needs.ts";

/** What a port of the far host does with packets: answer with ICMP "host unreachable", or nothing at all. */
export type PortRules = { readonly unreachable: number; readonly dropped: number };

/** Dispose it to have interfaces, rules and namespace removed. */
export class FarHost implements Disposable {
  readonly address: string;
  /** The address of this end of the pair. */
  readonly near: string;
  readonly #namespace: Namespace;
  readonly #link: string;
  readonly #far: string;
  /** The network of the two, as routes have it. */
  readonly #net: string;
  #losing = false;

  /** Throws NotPossible. */
  constructor({ unreachable, dropped }: PortRules) {
    const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3));
    // 198.18.0.0/15 is set aside for tests of networks (RFC 2544).
    const net = `198.${18 + a % 2}.${b}.`;
    const first = c & 0xfc;
    this.address = `${net}${first + 2}`;
    this.near = `${net}${first + 1}`;
    this.#net = `${net}${first}/30`;
    const id = randomId();
    this.#link = `lbt${id}a`;
    const far = this.#far = `lbt${id}b`;
    this.#namespace = new Namespace("lbtest");
    const { name } = this.#namespace;
    try {
      ip("link", "add", this.#link, "type", "veth", "peer", "name", far, "netns", name);
      ip("addr", "add", `${this.near}/30`, "dev", this.#link);
      ip("link", "set", this.#link, "up");
      ip("-n", name, "addr", "add", `${this.address}/30`, "dev", far);
      ip("-n", name, "link", "set", far, "up");
      // Linux sends at most one ICMP error a second to each peer otherwise.
      this.#namespace.setIpv4("icmp_ratelimit", 0);
      for (
        const rule of [
          "add table inet test",
          "add chain inet test in { type filter hook input priority 0; }",
          `add rule inet test in tcp dport ${unreachable} reject with icmpx host-unreachable`,
          `add rule inet test in tcp dport ${dropped} drop`,
        ]
      ) this.#namespace.run("nft", rule);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The words in front of a command that has to run there. */
  get inside(): readonly string[] {
    return this.#namespace.prefix;
  }

  /** Sets `/proc/sys/net/ipv4/KEY` of the far host. */
  setIpv4(key: string, value: number): void {
    this.#namespace.setIpv4(key, value);
  }

  /** Has the far host reach itself by its loopback addresses. */
  raiseLoopback(): void {
    ip("-n", this.#namespace.name, "link", "set", "lo", "up");
  }

  /** Pulls the cable at this machine's end: no packet arrives any more, and the far host is told nothing. */
  unplug(): void {
    ip("link", "set", this.#link, "down");
  }

  /** Pulls the cable at the far end: no packet comes through any more, and this machine is told nothing. */
  pullCable(): void {
    ip("-n", this.#namespace.name, "link", "set", this.#far, "down");
  }

  /**
   * From now on so many in a hundred packets are lost, each way. Each is one segment: of the large ones that offloading makes
   * a loss would be a burst. By nft, since not every kernel has the netem of tc. Connections from now on have reno at
   * both ends, which every kernel allows: with bbr, and every fifth packet lost, Linux may wait for minutes before it sends one
   * again. And the far host goes on with what a program has closed as long as with what is open (tcp_retries2): by itself it
   * gives up after 100 seconds, and nothing but its program knows that the bytes have not arrived. Throws NotPossible.
   */
  losePackets(percent: number): void {
    const table = ["netdev", this.#link];
    const lossOn = (device: string) => [
      `add table ${table.join(" ")}`,
      `flush table ${table.join(" ")}`,
      `add chain ${table.join(" ")} in { type filter hook ingress device "${device}" priority 0; }`,
      `add rule ${table.join(" ")} in numgen random mod 100 < ${percent} drop`,
    ];
    if (!this.#losing) {
      ip("link", "set", this.#link, "gso_max_segs", "1");
      ip("-n", this.#namespace.name, "link", "set", this.#far, "gso_max_segs", "1");
      this.#namespace.setIpv4("tcp_congestion_control", "reno");
      ip("route", "replace", this.#net, "dev", this.#link, "src", this.near, "congctl", "reno");
      this.#namespace.setIpv4("tcp_orphan_retries", 15);
    }
    this.#losing = true;
    for (const rule of lossOn(this.#far)) this.#namespace.run("nft", rule);
    for (const rule of lossOn(this.#link)) {
      const problem = problemOf("nft", [rule]);
      if (problem !== undefined) throw new NotPossible(`nft ${rule}: ${problem}`);
    }
  }

  [Symbol.dispose](): void {
    if (this.#losing) problemOf("nft", ["delete", "table", "netdev", this.#link]);
    problemOf("ip", ["link", "del", this.#link]);
    this.#namespace[Symbol.dispose]();
  }
}

/** What a test with a far host needs. Makes one to find out whether it has the right to, unless a program is missing. */
export function networkNeeds(): Needs {
  const programs = ["ip", "nft"];
  return { programs, obstacle: missing(programs).length > 0 ? undefined : obstacleToNetworks() };
}

function obstacleToNetworks(): string | undefined {
  if (Deno.build.os !== "linux") return "network namespaces are Linux's";
  if (Deno.uid() !== 0) return "needs root";
  try {
    new FarHost({ unreachable: 1, dropped: 2 })[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (error instanceof NotPossible) return `needs the right to make networks: ${error.message}`;
    throw error;
  }
}
