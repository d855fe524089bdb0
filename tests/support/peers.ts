/** The two peers of a balancer, for the scenarios: targets, clients, and what they send each other. Linux only. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { within } from "./eventually.ts";
import { soak } from "./soak.ts";
import { writeAll } from "./target.ts";

export { writeAll };

type Bytes = Uint8Array<ArrayBuffer>;

/** How long one of many sessions may take. The long form moves gigabytes at the same time. */
const maxSessionMs = soak ? 600_000 : 60_000;

/**
 * Runs `one` for 0 to count - 1, at most `width` of them at the same time; fails when one fails, or does not end within
 * a minute.
 */
export async function many(
  { count, width }: { count: number; width: number },
  one: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next++;
      await within(`the end of number ${index} of ${count}`, one(index), { maxMs: maxSessionMs });
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

/** Numbers from 0 to below 1, the same row for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const poolSize = 1 << 20;
const chunkSize = 64 * 1024;
const pool: Bytes = (() => {
  const random = randomFrom(1);
  return Uint8Array.from({ length: poolSize + chunkSize }, () => random() * 256);
})();

/** The bytes of a payload in pieces: random ones, others for each `start`, the same every time. */
export function* payload(start: number, size: number): Generator<Bytes> {
  for (let sent = 0; sent < size;) {
    const from = (start * 7_919 + sent) % poolSize;
    const piece = pool.subarray(from, from + Math.min(chunkSize, size - sent));
    sent += piece.length;
    yield piece;
  }
}

/** The sha256 of a payload, in hexadecimal. */
export function payloadSha(start: number, size: number): string {
  const hash = createHash("sha256");
  for (const piece of payload(start, size)) hash.update(piece);
  return hash.digest("hex");
}

/** Writes a payload to its end. */
export async function writePayload(conn: Deno.Conn, start: number, size: number): Promise<void> {
  for (const piece of payload(start, size)) await writeAll(conn, piece);
}

/** Reads exactly so many bytes; fails at an earlier end of input. */
export async function readExactly(conn: Deno.Conn, size: number): Promise<Bytes> {
  const bytes = new Uint8Array(size);
  for (let got = 0; got < size;) {
    const more = await conn.read(bytes.subarray(got));
    assert.notEqual(more, null, `the input ended after ${got} of ${size} bytes`);
    got += more!;
  }
  return bytes;
}

/** What came in, without the bytes themselves. */
export interface Received {
  readonly size: number;
  readonly sha: string;
}

/** Reads to the end of input. */
export async function readToEnd(conn: Deno.Conn): Promise<Received> {
  const { end, received } = await readUntilGone(conn);
  assert.equal(end, "eof", `cut after ${received.size} bytes`);
  return received;
}

/** Reads until the connection ends, by an end of input or cut; `before` is what was read already. */
export async function readUntilGone(
  conn: Deno.Conn,
  before: Bytes = new Uint8Array(),
): Promise<{ end: "eof" | "cut"; received: Received }> {
  const hash = createHash("sha256").update(before);
  const buffer = new Uint8Array(256 * 1024);
  for (let size = before.length;;) {
    const got = await conn.read(buffer).catch((error) => {
      if (isCut(error)) return "cut" as const;
      throw error;
    });
    if (got === null || got === "cut") {
      return { end: got ?? "eof", received: { size, sha: hash.digest("hex") } };
    }
    hash.update(buffer.subarray(0, got));
    size += got;
  }
}

/** Asserts that a payload arrived whole, and nothing else. */
export function assertPayload(received: Received, start: number, size: number): void {
  assert.deepEqual(received, { size, sha: payloadSha(start, size) });
}

/** A number as the bytes of a message, for `readNumber`. */
export function numberBytes(number: number): Bytes {
  return new Uint8Array(new Uint32Array([number]).buffer);
}

/** Reads what `numberBytes` made. */
export async function readNumber(conn: Deno.Conn): Promise<number> {
  return new DataView((await readExactly(conn, 4)).buffer).getUint32(0, true);
}

/** Is this what a read or a write says of a connection that was cut? */
export function isCut(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionAborted;
}

/** Serves every connection with `serve` and closes it after. Dispose it to have it stopped, which fails if `serve` ever did. */
export class Target implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #serve: (conn: Deno.TcpConn) => Promise<void>;
  readonly #open = new Map<Deno.TcpConn, Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #failures: unknown[] = [];
  #stopped = false;

  constructor(serve: (conn: Deno.TcpConn) => Promise<void>) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#serve = serve;
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** As a configuration has it. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections being served. */
  get open(): number {
    return this.#open.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#listener.close();
    for (const conn of this.#open.keys()) conn[Symbol.dispose]();
    const ending = Promise.all([this.#accepting, ...this.#open.values()]);
    await within(() => `the end of a target that serves ${this.open} connections`, ending);
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  async #accept(): Promise<void> {
    while (!this.#stopped) {
      try {
        const conn = await this.#listener.accept();
        this.#open.set(conn, this.#serveOne(conn));
      } catch (error) {
        if (!this.#stopped) this.#failures.push(error);
      }
    }
  }

  async #serveOne(served: Deno.TcpConn): Promise<void> {
    using conn = served;
    try {
      conn.setNoDelay(true);
      await this.#serve(conn);
    } catch (error) {
      // A target that is being stopped closes what it serves; and of a cut connection the client knows more.
      if (!this.#stopped && !isCut(error)) this.#failures.push(error);
    } finally {
      this.#open.delete(conn);
    }
  }
}

/** What the kernel holds of this connection: bytes that the other side has not acknowledged, and bytes not yet read here. */
export async function queuesOf(conn: Deno.TcpConn): Promise<{ unacknowledged: number; unread: number }> {
  const { localAddr, remoteAddr } = conn;
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  const row = new RegExp(`: \\w+:${hex(localAddr.port)} \\w+:${hex(remoteAddr.port)} \\w+ (\\w+):(\\w+)`);
  const [, unacknowledged, unread] = row.exec(await Deno.readTextFile("/proc/net/tcp")) ?? [];
  return {
    unacknowledged: Number.parseInt(unacknowledged ?? "", 16),
    unread: Number.parseInt(unread ?? "", 16),
  };
}
