/** Ports that stay ours while nothing listens on them. */

/**
 * A port that refuses, and on which a server can be started and stopped at will, with no other program or test in the
 * way: the number is held on 127.0.0.1, and used on another address of this machine, which no port-0 bind ever picks.
 */
export class ReservedPort implements Disposable {
  readonly #holder = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  /** Where nothing listens until somebody does on purpose. */
  readonly hostname = "127.77.0.1";

  get port(): number {
    return this.#holder.addr.port;
  }

  get address(): string {
    return `${this.hostname}:${this.port}`;
  }

  [Symbol.dispose](): void {
    this.#holder.close();
  }
}

/** The kernel takes ports above these when none is asked for (`net.ipv4.ip_local_port_range`). */
const quietPorts = { first: 10_000, count: 20_000 } as const;

/**
 * A port that is free on every address of this machine, among those that nobody is given by chance: for what has to be
 * bound to 127.0.0.1, or to all addresses.
 */
export function quietPort(): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
    const port = quietPorts.first + random % quietPorts.count;
    try {
      Deno.listen({ hostname: "0.0.0.0", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("no quiet port is free");
}
