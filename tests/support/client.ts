/** What comes to the balancer. */
import assert from "node:assert/strict";
import { engine } from "./engine.ts";
import { within } from "./eventually.ts";
import { writeAll } from "./target.ts";

const encoder = new TextEncoder();
const bound = { maxMs: 60_000 };

/** Everything that came until a connection ended, and how it did. */
interface Ended {
  readonly text: string;
  readonly end: "eof" | "reset";
}

/** A connection that talks to an echo target. */
export class Client implements Disposable {
  readonly conn: Deno.TcpConn;

  private constructor(conn: Deno.TcpConn) {
    this.conn = conn;
  }

  static async open(port: number, hostname = "127.0.0.1"): Promise<Client> {
    return new Client(await within("a connection", Deno.connect({ hostname, port }), bound));
  }

  /** Opens a connection and has one word echoed, so that the session is known to be through to its target. */
  static async served(port: number, hostname = "127.0.0.1"): Promise<Client> {
    const client = await Client.servedIfAny(port, hostname);
    assert.ok(client !== undefined, "the client was refused");
    return client;
  }

  /** The same, or undefined where the balancer refuses. */
  static async servedIfAny(port: number, hostname = "127.0.0.1"): Promise<Client | undefined> {
    let client: Client;
    try {
      client = await Client.open(port, hostname);
    } catch (error) {
      if (isEarlyReset(error)) return undefined;
      throw error;
    }
    if (await client.isEchoed("hello")) return client;
    client[Symbol.dispose]();
    return undefined;
  }

  /** Says something and fails unless the same comes back. */
  async say(text: string): Promise<void> {
    assert.ok(await this.isEchoed(text), `${JSON.stringify(text)} did not come back`);
  }

  /** Whether what is said comes back, rather than the connection being ended; fails when neither happens within a minute. */
  async isEchoed(text: string): Promise<boolean> {
    return await within(() => `the echo of ${JSON.stringify(text.slice(0, 100))}`, this.#echo(text), bound);
  }

  async #echo(text: string): Promise<boolean> {
    const bytes = encoder.encode(text);
    const buffer = new Uint8Array(bytes.length);
    try {
      await writeAll(this.conn, bytes);
      for (let at = 0; at < buffer.length;) {
        const size = await this.conn.read(buffer.subarray(at));
        if (size === null) return false;
        at += size;
      }
    } catch {
      return false;
    }
    assert.deepEqual(buffer, bytes);
    return true;
  }

  /** Finishes. */
  async finish(): Promise<void> {
    await this.conn.closeWrite();
  }

  /** Everything until the other side finishes; fails when it cuts the connection, or never ends it. */
  async rest(): Promise<string> {
    const { text, end } = await this.#ended();
    assert.equal(end, "eof", `cut after ${JSON.stringify(text.slice(-100))}`);
    return text;
  }

  /**
   * Everything until the balancer cuts the connection; fails when it ends it otherwise, or never. The portable engine,
   * which cannot send an RST, ends it like any program that closes.
   */
  async untilCut(): Promise<string> {
    const { text, end } = await this.#ended();
    if (engine === "linux") assert.equal(end, "reset");
    return text;
  }

  async #ended(): Promise<Ended> {
    return await within("the end of a client's connection", this.#readToEnd(), bound);
  }

  async #readToEnd(): Promise<Ended> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    try {
      for (;;) {
        const size = await this.conn.read(buffer);
        if (size === null) return { text, end: "eof" };
        text += decoder.decode(buffer.subarray(0, size), { stream: true });
      }
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return { text, end: "reset" };
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.conn[Symbol.dispose]();
  }
}

/** Sends a text, finishes, and returns everything that comes back. */
export async function exchange(port: number, text: string, hostname = "127.0.0.1"): Promise<string> {
  using client = await Client.open(port, hostname);
  await writeAll(client.conn, encoder.encode(text));
  await client.finish();
  return await client.rest();
}

/** Connects and returns what comes until the target finishes. */
export async function received(port: number): Promise<string> {
  using client = await Client.open(port);
  return await client.rest();
}

/** Connects, and fails unless the balancer refuses: without a byte, and by cutting the connection. */
export async function assertRefused(port: number): Promise<void> {
  try {
    using client = await Client.open(port);
    assert.equal(await client.untilCut(), "");
  } catch (error) {
    if (!isEarlyReset(error)) throw error;
  }
}

/** A reset that was there before the connection was known here; then Deno cannot even tell its address. */
function isEarlyReset(error: unknown): boolean {
  return engine === "linux" &&
    (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.NotConnected);
}
