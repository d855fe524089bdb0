/** The way between client, balancer and target: this machine's loopback, or a network of three hosts. */
import { connectByVeth, Namespace, NotPossible } from "../support/namespace.ts";
import { pathOf } from "./programs.ts";

/** Every leg, in the order in which they are measured. */
export const legNames = ["loopback", "network"] as const;

export type LegName = typeof legNames[number];

/** Where a program runs: its address, and the words in front of its command. */
export interface Host {
  readonly address: string;
  readonly prefix: readonly string[];
}

/** The three hosts of a run. Dispose it once no program runs there. */
export interface Leg extends Disposable {
  readonly name: LegName;
  readonly client: Host;
  readonly balancer: Host;
  readonly target: Host;
}

/** Makes a leg. Throws when this machine cannot. */
export function openLeg(name: LegName): Leg {
  return name === "loopback" ? loopback() : network();
}

/** Why this machine has no such leg; undefined when it has. Makes one to find out. */
export function obstacleTo(name: LegName): string | undefined {
  if (name === "loopback") return undefined;
  if (Deno.uid() !== 0) return "network namespaces need root";
  if (pathOf("ip") === undefined) return "ip is missing: apt-get install -y iproute2";
  try {
    openLeg(name)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (error instanceof NotPossible) return `this machine makes no network namespaces: ${error.message}`;
    throw error;
  }
}

function loopback(): Leg {
  const host = { address: "127.0.0.1", prefix: [] };
  return { name: "loopback", client: host, balancer: host, target: host, [Symbol.dispose]() {} };
}

/** Addresses that are set aside for measuring networks (RFC 2544); nobody outside the namespaces sees them. */
const addresses = { client: "198.18.0.1", balancer: "198.18.0.2", target: "198.18.0.3" } as const;
type Role = keyof typeof addresses;

/** A namespace for each host, and a cable between any two, so that `direct` has one and a balancer is between two. */
function network(): Leg {
  using made = new DisposableStack();
  const namespaces = new Map<Role, Namespace>();
  for (const role of Object.keys(addresses) as Role[]) {
    const namespace = made.use(new Namespace(`lb-bench-${role}`));
    // Ports of ended connections may be used again, as on the loopback. Without it new connections run out of them.
    namespace.setIpv4("tcp_tw_reuse", 1);
    namespaces.set(role, namespace);
  }
  const end = (role: Role, peer: Role) => ({
    namespace: namespaces.get(role)!,
    device: `to-${peer}`,
    address: addresses[role],
  });
  for (
    const [one, other] of [["client", "balancer"], ["balancer", "target"], ["client", "target"]] as const
  ) {
    connectByVeth(end(one, other), end(other, one));
  }
  const host = (role: Role): Host => ({ address: addresses[role], prefix: namespaces.get(role)!.prefix });
  const kept = made.move();
  return {
    name: "network",
    client: host("client"),
    balancer: host("balancer"),
    target: host("target"),
    [Symbol.dispose]: () => kept.dispose(),
  };
}

/**
 * The words that start a program on a host, in a session of its own: the kernel shares its cores by sessions (autogroup,
 * sched(7)), so that what runs in one session with others is preempted otherwise than what runs alone.
 */
export function commandOn(host: Host, [program, ...args]: readonly string[]): [string, string[]] {
  const [first, ...rest] = [...host.prefix, "setsid", program!, ...args];
  return [first!, rest];
}
