/** Servers for the balancer to send clients to. */
import { within } from "./eventually.ts";

/**
 * What a target does with one connection. It need not close it, and may throw when it is cut; `stopping` settles when
 * the target is disposed.
 */
export type Serve = (conn: Deno.TcpConn, stopping: Promise<void>) => Promise<void>;

/** A TCP server; disposing closes its listener and every connection, and waits until they are gone. */
export class Target implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #serve: Serve;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #serving = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  #ended: Promise<void> | undefined;
  readonly #stopping = Promise.withResolvers<void>();
  /** Connections accepted so far. */
  accepted = 0;
  /** The most connections that were open at a time. */
  mostOpen = 0;

  constructor(serve: Serve, { hostname = "127.0.0.1", port = 0 } = {}) {
    this.#serve = serve;
    // Deno's own 511 are fewer than come in one burst; what overflows is dropped, and is a second late. Not yet typed in 2.4.
    const options = { hostname, port, tcpBacklog: 4_096 };
    this.#listener = Deno.listen(options);
    this.#accepting = this.#acceptAll();
  }

  /** `host:port`, as lb.yaml has it. */
  get address(): string {
    const { hostname, port } = this.#listener.addr;
    return `${hostname}:${port}`;
  }

  /** Connections open now. */
  get open(): number {
    return this.#open.size;
  }

  /** May be done more than once. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#ended ??= this.#end();
  }

  async #end(): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    this.#stopping.resolve();
    for (const conn of this.#open) conn[Symbol.dispose]();
    const ending = Promise.all(this.#serving);
    await within(() => `the end of a target that serves ${this.#serving.size} connections`, ending);
  }

  async #acceptAll(): Promise<void> {
    for (;;) {
      let conn: Deno.TcpConn;
      try {
        conn = await this.#listener.accept();
      } catch (error) {
        // Not the clients that were gone before they were accepted.
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
        continue;
      }
      this.accepted++;
      const serving = this.#serveOne(conn);
      this.#serving.add(serving);
      serving.finally(() => this.#serving.delete(serving));
    }
  }

  async #serveOne(conn: Deno.TcpConn): Promise<void> {
    this.#open.add(conn);
    this.mostOpen = Math.max(this.mostOpen, this.#open.size);
    try {
      await this.#serve(conn, this.#stopping.promise);
    } catch {
      // The balancer may cut a connection whenever it has to.
    } finally {
      this.#open.delete(conn);
      conn[Symbol.dispose]();
    }
  }
}

/** Sends back whatever comes, and finishes when the client does. */
export async function echo(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    const size = await conn.read(buffer);
    if (size === null) break;
    await writeAll(conn, buffer.subarray(0, size));
  }
  await conn.closeWrite();
}

/** Takes whatever comes and says nothing, until the client finishes. */
export async function silence(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  while (await conn.read(buffer) !== null);
}

/** Sends a name, finishes, and waits for the client to finish. */
export function named(name: string): Serve {
  return async (conn) => {
    await writeAll(conn, new TextEncoder().encode(name));
    await conn.closeWrite();
    await silence(conn);
  };
}

/** An HTTP server of one answer: asked for status and body anew at each request. */
export function answering(answer: () => { readonly status: number; readonly body: string }): Serve {
  return async (conn) => {
    await conn.read(new Uint8Array(4096));
    const { status, body } = answer();
    const bytes = new TextEncoder().encode(body);
    const head =
      `HTTP/1.1 ${status} Whatever\r\nContent-Length: ${bytes.length}\r\nConnection: close\r\n\r\n`;
    await writeAll(conn, new TextEncoder().encode(head));
    await writeAll(conn, bytes);
    await conn.closeWrite();
    await silence(conn);
  };
}

/** Writes every byte. */
export async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}
