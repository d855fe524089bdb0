/** Connecting: an attempt that ends when the connection stands, or cannot, or nobody waits for it any more. */
import type { SocketAddress } from "../../values/address.ts";
import type { Connected, ConnectFailure, ConnectOptions } from "../engine.ts";
import { errno, errnoName, so, type SystemError } from "./libc.ts";
import type { Reactor, Task } from "./reactor.ts";
import { ackWithData, LinuxSocket, openSocket } from "./socket.ts";
import { encodeAddress, encodedAddress } from "./socket_address.ts";
import type { Timer } from "./timers.ts";

const clientGone: Connected = { kind: "failed", failure: "client_gone", detail: "client_gone" };

/** One attempt to connect. As a timer it is the time limit, as a task it hears of both sockets. */
class Connecting implements Task, Timer {
  readonly connected: Promise<Connected>;
  queued = false;
  dueAt = 0;
  place = -1;
  readonly #reactor: Reactor;
  readonly #client: LinuxSocket;
  readonly #socket: LinuxSocket;
  readonly #resolve: (connected: Connected) => void;

  constructor(reactor: Reactor, socket: LinuxSocket, { client, timeoutMs }: ConnectOptions) {
    this.#reactor = reactor;
    this.#client = client as LinuxSocket;
    this.#socket = socket;
    let settle!: (connected: Connected) => void;
    this.connected = new Promise((resolve) => settle = resolve);
    this.#resolve = settle;
    // The event that says that it stands says whether there is something to read, too.
    socket.writable = socket.readable = false;
    this.#client.owner = socket.owner = this;
    if (timeoutMs !== Infinity) reactor.schedule(this, timeoutMs);
    if (this.#client.closed || this.#client.cut) reactor.soon(this);
  }

  due(): void {
    this.#finish({ kind: "failed", failure: "timeout", detail: "timeout" });
  }

  run(): void {
    const socket = this.#socket;
    if (socket.owner !== this) return;
    if (this.#client.closed || this.#client.cut) {
      return this.#finish(clientGone);
    }
    if (!socket.writable) return;
    const number = socket.cut ? pendingError(this.#reactor, socket.descriptor) : 0;
    this.#finish(number === 0 ? { kind: "connected", socket } : failed(number));
  }

  #finish(connected: Connected): void {
    this.#reactor.cancel(this);
    this.#client.owner = this.#socket.owner = undefined;
    if (connected.kind === "failed") this.#socket[Symbol.dispose]();
    this.#reactor.stirred = true;
    this.#resolve(connected);
  }
}

export interface Attempt {
  readonly options: ConnectOptions;
  readonly address: SocketAddress;
  /** Finds an address of a host name; rejects when there is none. */
  readonly resolve: (host: string) => Promise<string>;
}

/** See `Engine.connect`; a host name is resolved first. */
export function connect(reactor: Reactor, attempt: Attempt): Promise<Connected> {
  const { address } = attempt;
  const encoded = encodedAddress(address);
  if (encoded !== undefined) return connectTo(reactor, encoded, attempt);
  return address.kind === "unix"
    ? Promise.resolve(unreachable("no address"))
    : connectToName(reactor, attempt);
}

async function connectToName(reactor: Reactor, attempt: Attempt): Promise<Connected> {
  const { address, resolve } = attempt;
  if (address.kind === "unix") return unreachable("no address");
  let host: string;
  try {
    host = await resolve(address.host);
  } catch (error) {
    return unreachable(error instanceof Error ? error.message : String(error));
  }
  const encoded = encodeAddress({ ...address, host });
  return encoded === undefined ? unreachable("no address") : await connectTo(reactor, encoded, attempt);
}

function connectTo(
  reactor: Reactor,
  encoded: Uint8Array<ArrayBuffer>,
  { address, options }: Attempt,
): Promise<Connected> {
  const isTcp = encoded[0] !== so.AF_UNIX;
  const client = options.client as LinuxSocket;
  const hasData = !client.closed && client.hasBytes();
  if (client.cut || client.closed) return Promise.resolve(clientGone);
  let socket: LinuxSocket;
  try {
    const descriptor = openSocket(reactor, encoded);
    socket = new LinuxSocket(reactor, descriptor, address);
    if (isTcp) socket.sends = "none";
    if (hasData && isTcp) ackWithData(reactor, descriptor);
  } catch (error) {
    return Promise.resolve(failed((error as SystemError).number));
  }
  const { libc } = reactor;
  if (libc.call.connect(socket.descriptor, encoded, encoded.length) === 0) {
    return Promise.resolve({ kind: "connected", socket });
  }
  const number = libc.errno();
  if (number === errno.EINPROGRESS) return new Connecting(reactor, socket, options).connected;
  socket[Symbol.dispose]();
  return Promise.resolve(failed(number));
}

function pendingError(reactor: Reactor, descriptor: number): number {
  const value = new Int32Array(1);
  const size = new Uint8Array(new Uint32Array([4]).buffer);
  reactor.libc.call.getsockopt(descriptor, so.SOL_SOCKET, so.SO_ERROR, new Uint8Array(value.buffer), size);
  return value[0]!;
}

/** Failures that say nothing about the peer. */
export const ourFault: ReadonlySet<number> = new Set([
  errno.EMFILE,
  errno.ENFILE,
  errno.ENOSPC,
  errno.ENOBUFS,
  errno.ENOMEM,
  errno.EADDRNOTAVAIL,
]);

function failed(number: number): Connected {
  const detail = `${errnoName(number)} (os error ${number})`;
  return { kind: "failed", failure: failureOf(number), detail };
}

function unreachable(detail: string): Connected {
  return { kind: "failed", failure: "unreachable", detail };
}

function failureOf(number: number): ConnectFailure {
  if (ourFault.has(number)) return "resource";
  if (number === errno.ECONNREFUSED || number === errno.ECONNRESET) return "refused";
  return number === errno.ETIMEDOUT ? "timeout" : "unreachable";
}
