/**
 * The portable engine: Deno's own sockets, on every system Deno runs on. Needs the `net` permission alone (and `read`
 * with `write` for a unix bind). It cannot send an RST: a cut connection ends with a FIN, or with the RST that Linux
 * sends by itself when unread input is thrown away.
 */
import type { SocketAddress } from "../values/address.ts";
import { formatAddress } from "../values/address.ts";
import { BufferPool } from "./buffers.ts";
import { connectInOrder } from "./connect_in_order.ts";
import { Deadlines } from "./deadlines.ts";
import type { Acceptor, Connected, ConnectFailure, ConnectOptions, Engine, ListenOptions } from "./engine.ts";
import type { Relay, RelayLimits, Socket } from "./engine.ts";
import { clientGone, osError, timedOut, wordsForError } from "./failure_words.ts";
import { nextIteration } from "./immediate.ts";
import { isLiteral, notAnAddress } from "./literal.ts";
import { ReadAhead } from "./read_ahead.ts";
import { type ByteSocket, StreamRelay } from "./stream_relay.ts";

/** How many connections the kernel may hold for us; it cuts this to `net.core.somaxconn`. */
const backlog = 4_096;

/** How long accepting rests when the process is out of descriptors or memory. */
const exhaustedMs = 50;

/** Makes a portable engine for one thread. */
export function portableEngine(): Engine {
  const pool = new BufferPool();
  const deadlines = new Deadlines();
  return {
    name: "portable",
    now: () => performance.now(),
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    async whenSettled(callback) {
      // A session ends by a call to the system of its own, which is answered in the iteration after.
      await nextIteration();
      await nextIteration();
      callback();
    },
    listen: (address, options) => new PortableAcceptor(address, options),
    connect: (addresses, options) =>
      connectInOrder(addresses, {
        timeoutMs: options.timeoutMs,
        now: () => performance.now(),
        connectTo: (address, timeoutMs) => connectTo(address, { client: options.client, timeoutMs }),
      }),
    relay(client: Socket, target: Socket, limits: RelayLimits): Relay {
      return new StreamRelay(client as PortableSocket, target as PortableSocket, { limits, pool, deadlines });
    },
  };
}

class PortableAcceptor implements Acceptor {
  readonly address: SocketAddress;
  readonly #listener: Deno.Listener;
  readonly #onError: (cause: string) => void;
  #closed = false;

  constructor(address: SocketAddress, options: ListenOptions) {
    if (!isLiteral(address)) throw new TypeError(notAnAddress(address));
    this.#onError = options.onError;
    this.#listener = address.kind === "unix"
      ? Deno.listen({ transport: "unix", path: address.path })
      : Deno.listen({
        hostname: address.host,
        port: address.port,
        reusePort: options.shared,
        tcpBacklog: backlog,
      } as Deno.TcpListenOptions);
    const bound = this.#listener.addr;
    this.address = bound.transport === "tcp"
      ? { kind: "tcp", host: bound.hostname, port: bound.port }
      : address;
  }

  async accept(): Promise<Socket | undefined> {
    // Not `for await`: its iterator ends for good at the first failed accept.
    while (!this.#closed) {
      try {
        return new PortableSocket(await this.#listener.accept());
      } catch (error) {
        if (this.#closed || error instanceof Deno.errors.BadResource) return undefined;
        this.#onError(message(error));
        // A client that reset before it was accepted costs nothing: go on at once.
        if (!isClientGone(error)) await new Promise((resolve) => setTimeout(resolve, exhaustedMs));
      }
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }
}

function isClientGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted;
}

class PortableSocket implements ByteSocket {
  readonly remote: string;
  readonly remoteHost: string;
  readonly #conn: Deno.Conn;
  #ahead: ReadAhead | undefined;
  #closed = false;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    const { remoteAddr } = conn;
    if (remoteAddr.transport === "tcp") {
      // A listener on [::] reports an IPv4 client as ::ffff:a.b.c.d.
      this.remoteHost = remoteAddr.hostname.replace(/^::ffff:(?=\d+\.)/, "");
      this.remote = formatAddress({ kind: "tcp", host: this.remoteHost, port: remoteAddr.port });
      noDelay(conn as Deno.TcpConn);
    } else {
      this.remoteHost = this.remote = "unix:";
    }
  }

  /** Reads ahead from here on and calls back once if the connection is cut before it is relayed. */
  watch(onCut: () => void): void {
    if (this.#closed) return onCut();
    this.#ahead ??= new ReadAhead((into) => this.#conn.read(into));
    this.#ahead.onCut(onCut);
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const size = await this.#ahead?.take(into);
    if (size !== undefined) return size;
    this.#ahead = undefined;
    return await this.#conn.read(into);
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    return this.#conn.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  reset(): void {
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
    this.#ahead?.cut();
  }
}

function noDelay(conn: Deno.TcpConn): void {
  try {
    conn.setNoDelay(true);
  } catch {
    // The peer is gone already; the first read will say so.
  }
}

/** Tries one address. */
async function connectTo(address: SocketAddress, options: ConnectOptions): Promise<Connected> {
  if (!isLiteral(address)) return { kind: "failed", failure: "unreachable", detail: notAnAddress(address) };
  const abort = new AbortController();
  let gaveUp: "timeout" | "client_gone" | undefined;
  const giveUp = (why: "timeout" | "client_gone") => {
    gaveUp ??= why;
    abort.abort();
  };
  const timer = Number.isFinite(options.timeoutMs)
    ? setTimeout(() => giveUp("timeout"), options.timeoutMs)
    : undefined;
  (options.client as PortableSocket).watch(() => giveUp("client_gone"));
  try {
    const conn = await dial(address, abort.signal);
    return { kind: "connected", socket: new PortableSocket(conn), index: 0 };
  } catch (error) {
    if (gaveUp === "timeout") return { kind: "failed", failure: gaveUp, detail: timedOut };
    if (gaveUp === "client_gone") return { kind: "failed", failure: gaveUp, detail: clientGone };
    return { kind: "failed", failure: connectFailure(error), detail: wordsForError(error) };
  } finally {
    clearTimeout(timer);
  }
}

function dial(address: SocketAddress, signal: AbortSignal): Promise<Deno.Conn> {
  // `Deno.connect` ignores its own `timeout` option; the signal works and leaves no descriptor behind.
  return address.kind === "unix"
    ? Deno.connect({ transport: "unix", path: address.path })
    : Deno.connect({ hostname: address.host, port: address.port, signal } as Deno.ConnectOptions);
}

/** Error numbers of Linux (errno.h) that mean a fault of this machine: ENFILE, EMFILE, EADDRNOTAVAIL, ENOBUFS, ENOMEM. */
const localFaults = new Set([23, 24, 99, 105, 12]);

function connectFailure(error: unknown): ConnectFailure {
  const number = osError(message(error));
  if (number !== undefined && localFaults.has(number)) return "resource";
  if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset) {
    return "refused";
  }
  if (error instanceof Deno.errors.TimedOut) return "timeout";
  return "unreachable";
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
