/** Network namespaces: to the kernel's network, each is a machine of its own. Linux, and root. */

/** The machine refuses to make a network, or lacks a command for it. */
export class NotPossible extends Error {}

/** A network namespace without interfaces. Dispose it to have it and its interfaces removed. */
export class Namespace implements Disposable {
  readonly name: string;

  /** `purpose` begins the name, which ends in random digits. Throws NotPossible. */
  constructor(purpose: string) {
    this.name = `${purpose}-${randomId()}`;
    ip("netns", "add", this.name);
  }

  /** The words in front of a command that has to run there. */
  get prefix(): readonly string[] {
    return ["ip", "netns", "exec", this.name];
  }

  /** Runs a command there; throws NotPossible when it fails. */
  run(...command: string[]): void {
    ip("netns", "exec", this.name, ...command);
  }

  /** Sets `/proc/sys/net/ipv4/KEY`, which each namespace has for itself. */
  setIpv4(key: string, value: number | string): void {
    this.run("sh", "-c", `echo ${value} > /proc/sys/net/ipv4/${key}`);
  }

  [Symbol.dispose](): void {
    problemOf("ip", ["netns", "del", this.name]);
  }
}

/** One end of a cable: the name of its interface in a namespace, and the address that the namespace has there. */
export interface VethEnd {
  readonly namespace: Namespace;
  readonly device: string;
  readonly address: string;
}

/** Lays a cable (a veth pair as the kernel makes it: MTU 1500, its offloads on) over which both addresses reach each other. */
export function connectByVeth(one: VethEnd, other: VethEnd): void {
  const far = ["peer", "name", other.device, "netns", other.namespace.name];
  ip("-n", one.namespace.name, "link", "add", one.device, "type", "veth", ...far);
  for (const [end, peer] of [[one, other], [other, one]] as const) {
    const { namespace: { name }, device, address } = end;
    ip("-n", name, "addr", "add", address, "peer", peer.address, "dev", device);
    ip("-n", name, "link", "set", device, "up");
  }
}

/** Runs `ip`; throws NotPossible with what it printed when it fails. */
export function ip(...args: string[]): void {
  const problem = problemOf("ip", args);
  if (problem !== undefined) throw new NotPossible(`ip ${args.join(" ")}: ${problem}`);
}

/** Six random hexadecimal digits. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(3));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Runs a command and gives what went wrong; undefined when nothing did. */
export function problemOf(command: string, args: readonly string[]): string | undefined {
  try {
    const child = new Deno.Command(command, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    });
    const { success, code, stderr } = child.outputSync();
    return success ? undefined : new TextDecoder().decode(stderr).trim() || `exit code ${code}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `no command ${command}`;
    throw error;
  }
}
