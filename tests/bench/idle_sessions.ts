/** Sessions that have made one request and then say nothing. */

const request = new TextEncoder().encode("GET /small HTTP/1.1\r\nHost: bench\r\n\r\n");
/** More at once would overflow the backlog of a listener in its defaults. */
const atOnce = 50;

/** Dispose it to have every connection closed. */
export class IdleSessions implements Disposable {
  readonly #connections: Deno.Conn[] = [];

  /** Opens so many, each with one small request answered; throws when one is not served. */
  static async open(port: number, count: number): Promise<IdleSessions> {
    const sessions = new IdleSessions();
    try {
      while (sessions.#connections.length < count) {
        const wanted = Math.min(atOnce, count - sessions.#connections.length);
        await Promise.all(Array.from({ length: wanted }, () => sessions.#openOne(port)));
      }
      return sessions;
    } catch (error) {
      sessions[Symbol.dispose]();
      throw error;
    }
  }

  /** How many still answer. */
  async alive(): Promise<number> {
    let alive = 0;
    for (const connection of this.#connections) {
      if (await ask(connection).catch(() => false)) alive++;
    }
    return alive;
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections.splice(0)) connection.close();
  }

  async #openOne(port: number): Promise<void> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    this.#connections.push(connection);
    if (!await ask(connection)) throw new Error(`port ${port} did not serve an idle session`);
  }
}

async function ask(connection: Deno.Conn): Promise<boolean> {
  await connection.write(request);
  const answer = new Uint8Array(1024);
  const received = await connection.read(answer);
  return new TextDecoder().decode(answer.subarray(0, received ?? 0)).startsWith("HTTP/1.1 200 ");
}
