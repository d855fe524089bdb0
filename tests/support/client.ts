/** What comes to the balancer. */
import assert from "node:assert/strict";
import { within } from "./eventually.ts";
import { writeAll } from "./target.ts";

const encoder = new TextEncoder();

/** A connection that talks to an echo target. */
export class Client implements Disposable {
  readonly conn: Deno.TcpConn;

  private constructor(conn: Deno.TcpConn) {
    this.conn = conn;
  }

  static async open(port: number, hostname = "127.0.0.1"): Promise<Client> {
    return new Client(await Deno.connect({ hostname, port }));
  }

  /** Opens a connection and has one word echoed, so that the session is known to be through to its target. */
  static async served(port: number, hostname = "127.0.0.1"): Promise<Client> {
    const client = await Client.open(port, hostname);
    await client.say("hello");
    return client;
  }

  /** Says something and fails unless the same comes back. */
  async say(text: string): Promise<void> {
    assert.ok(await this.isEchoed(text), `${JSON.stringify(text)} did not come back`);
  }

  /** Whether what is said comes back, rather than the connection being ended. */
  async isEchoed(text: string): Promise<boolean> {
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

  /** Everything until the connection ends, however it does; fails when it never does. */
  async rest(): Promise<string> {
    return await within("the end of a client's connection", this.#rest());
  }

  async #rest(): Promise<string> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    try {
      for (;;) {
        const size = await this.conn.read(buffer);
        if (size === null) return text;
        text += decoder.decode(buffer.subarray(0, size), { stream: true });
      }
    } catch {
      return text;
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

/** Connects and returns what comes until the connection ends; empty where it was refused. */
export async function received(port: number): Promise<string> {
  using client = await Client.open(port);
  return await client.rest();
}
