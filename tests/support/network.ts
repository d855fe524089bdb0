/** A second machine, as far as the kernel is concerned: a network namespace behind a pair of veth interfaces. */

/** What a port of the far host does with packets: answer with ICMP "host unreachable", or nothing at all. */
export type PortRules = { readonly unreachable: number; readonly dropped: number };

/** Dispose it to have interfaces, rules and namespace removed. */
export class FarHost implements Disposable {
  readonly address: string;
  /** The address of this end of the pair. */
  readonly near: string;
  readonly #name: string;
  readonly #link: string;

  constructor({ unreachable, dropped }: PortRules) {
    const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3));
    const id = [a, b, c].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    // 198.18.0.0/15 is set aside for tests of networks (RFC 2544).
    const net = `198.${18 + a % 2}.${b}.`;
    const first = c & 0xfc;
    this.address = `${net}${first + 2}`;
    this.near = `${net}${first + 1}`;
    this.#name = `lbtest${id}`;
    this.#link = `lbt${id}a`;
    const far = `lbt${id}b`;
    try {
      ip("netns", "add", this.#name);
      ip("link", "add", this.#link, "type", "veth", "peer", "name", far, "netns", this.#name);
      ip("addr", "add", `${this.near}/30`, "dev", this.#link);
      ip("link", "set", this.#link, "up");
      ip("-n", this.#name, "addr", "add", `${this.address}/30`, "dev", far);
      ip("-n", this.#name, "link", "set", far, "up");
      // Linux sends at most one ICMP error a second to each peer otherwise.
      ip("netns", "exec", this.#name, "sh", "-c", "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit");
      for (
        const rule of [
          "add table inet test",
          "add chain inet test in { type filter hook input priority 0; }",
          `add rule inet test in tcp dport ${unreachable} reject with icmpx host-unreachable`,
          `add rule inet test in tcp dport ${dropped} drop`,
        ]
      ) ip("netns", "exec", this.#name, "nft", rule);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The words in front of a command that has to run there. */
  get inside(): readonly string[] {
    return ["ip", "netns", "exec", this.#name];
  }

  [Symbol.dispose](): void {
    run("ip", ["link", "del", this.#link]);
    run("ip", ["netns", "del", this.#name]);
  }
}

function ip(...args: string[]): void {
  const problem = run("ip", args);
  if (problem !== undefined) throw new NotPossible(`ip ${args.join(" ")}: ${problem}`);
}

/** The machine refuses, or lacks a command. */
class NotPossible extends Error {}

function run(command: string, args: string[]): string | undefined {
  try {
    const options = { args, stdout: "null", stderr: "piped" } as const;
    const { success, stderr } = new Deno.Command(command, options).outputSync();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `no command ${command}`;
    throw error;
  }
}

function reasonAgainst(): string | undefined {
  if (Deno.build.os !== "linux") return "network namespaces are Linux's";
  if (Deno.uid() !== 0) return "needs root";
  try {
    new FarHost({ unreachable: 1, dropped: 2 })[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (!(error instanceof NotPossible)) throw error;
    return `needs ip and nft and the right to make networks: ${error.message}`;
  }
}

/** Why this machine cannot make namespaces; undefined where it can. */
export const noNetworks: string | undefined = reasonAgainst();
