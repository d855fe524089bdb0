import { socketsOnPorts } from "../../support/kernel_sockets.ts";
import type { ProbeTarget } from "../../../lib/health/spec.ts";

/** What a server does with one connection; it need not close it. */
export type Behaviour = (conn: Deno.Conn) => Promise<void>;

/** A server on a port of its own; disposing closes it and waits until every connection is closed. */
export class TestServer implements AsyncDisposable {
  readonly #listener: Deno.Listener;
  readonly #serving: Promise<void>;
  readonly requests: string[] = [];

  constructor(listener: Deno.Listener, behaviour: Behaviour) {
    this.#listener = listener;
    this.#serving = this.#serve(behaviour);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async #serve(behaviour: Behaviour): Promise<void> {
    const open: Promise<void>[] = [];
    try {
      for (;;) open.push(this.#one(await this.#listener.accept(), behaviour));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) {
        throw error;
      }
    }
    await Promise.all(open);
  }

  async #one(conn: Deno.Conn, behaviour: Behaviour): Promise<void> {
    try {
      await behaviour(conn);
    } catch {
      // The prober may cut the connection whenever it has seen enough.
    } finally {
      conn[Symbol.dispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }
}

/** Starts a server with a behaviour on a free port of 127.0.0.1, or where the options say. */
export function serve(behaviour: Behaviour, { hostname = "127.0.0.1", port = 0 } = {}): TestServer {
  return new TestServer(Deno.listen({ hostname, port }), behaviour);
}

/** Starts a server that speaks TLS with a certificate of `support/tls`. */
export function serveTls(behaviour: Behaviour, certificate: "cert" | "expired_cert" = "cert"): TestServer {
  const read = (name: string) => Deno.readTextFileSync(tlsFile(name));
  const [cert, key] = [read(`${certificate}.pem`), read(`${certificate.replace("cert", "key")}.pem`)];
  return new TestServer(Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }), behaviour);
}

/** A file of `support/tls`. */
export function tlsFile(name: string): string {
  return new URL(`tls/${name}`, import.meta.url).pathname;
}

/** Reads the request, sends these texts one after the other, and closes. */
export function says(...parts: readonly string[]): Behaviour {
  return async (conn) => {
    await readRequest(conn);
    for (const part of parts) await sendAll(conn, part);
  };
}

/** Sends a text at once, whatever it is asked, and closes. */
export function blurts(text: string): Behaviour {
  return (conn) => sendAll(conn, text);
}

/** Reads up to the end of a request's head. */
export async function readRequest(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const n = await conn.read(buffer);
    if (n === null) break;
    text += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return text;
}

/** Writes all of a text. */
export async function sendAll(conn: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Waits until the other side has closed. */
export async function untilClosed(conn: Deno.Conn): Promise<void> {
  while (await conn.read(new Uint8Array(1024)) !== null);
}

/** A target on 127.0.0.1. */
export function loopback(port: number): ProbeTarget {
  return { host: "127.0.0.1", port, addresses: ["127.0.0.1"] };
}

/** A port on which nothing listens. */
export function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Waits for a bounded time until no socket of this process has the port at either end: closing is done behind the scenes. */
export async function socketsLeft(port: number): Promise<number> {
  const left = () => socketsOnPorts(new Set([port]));
  for (let polls = 0; polls < 200 && left() > 0; polls++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return left();
}
