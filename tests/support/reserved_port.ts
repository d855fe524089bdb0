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
