/** Connecting: an attempt that ends when the connection stands, or cannot, or nobody waits for it any more. */
import type { SocketAddress } from "../../values/address.ts";
import type { Connected, ConnectFailure, ConnectOptions } from "../engine.ts";
import { connectInOrder } from "../connect_in_order.ts";
import * as words from "../failure_words.ts";
import { notAnAddress } from "../literal.ts";
import { errno, so, type SystemError } from "./libc.ts";
import type { Reactor, Task } from "./reactor.ts";
import { ackWithData, LinuxSocket, openSocket } from "./socket.ts";
import { encodedAddress } from "./socket_address.ts";
import type { Timer } from "./timers.ts";

const clientGone: Connected = { kind: "failed", failure: "client_gone", detail: words.clientGone };

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
    this.#finish({ kind: "failed", failure: "timeout", detail: words.timedOut });
  }

  run(): void {
    const socket = this.#socket;
    if (socket.owner !== this) return;
    if (this.#client.closed || this.#client.cut) {
      return this.#finish(clientGone);
    }
    if (!socket.writable) return;
    const number = socket.cut ? pendingError(this.#reactor, socket.descriptor) : 0;
    this.#finish(number === 0 ? { kind: "connected", socket, index: 0 } : failed(number));
  }

  #finish(connected: Connected): void {
    this.#reactor.cancel(this);
    this.#client.owner = this.#socket.owner = undefined;
    if (connected.kind === "failed") this.#socket[Symbol.dispose]();
    this.#reactor.stirred = true;
    this.#resolve(connected);
  }
}

/** See `Engine.connect`. */
export function connect(
  reactor: Reactor,
  addresses: readonly SocketAddress[],
  { client, timeoutMs }: ConnectOptions,
): Promise<Connected> {
  return connectInOrder(addresses, {
    timeoutMs,
    now: () => reactor.nowMs,
    connectTo: (address, timeoutMs) => connectTo(reactor, address, { client, timeoutMs }),
  });
}

function connectTo(reactor: Reactor, address: SocketAddress, options: ConnectOptions): Promise<Connected> {
  const encoded = encodedAddress(address);
  if (encoded === undefined) {
    return Promise.resolve({ kind: "failed", failure: "unreachable", detail: notAnAddress(address) });
  }
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
    return Promise.resolve({ kind: "connected", socket, index: 0 });
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
  return { kind: "failed", failure: failureOf(number), detail: words.wordsForErrno(number) };
}

function failureOf(number: number): ConnectFailure {
  if (ourFault.has(number)) return "resource";
  if (number === errno.ECONNREFUSED || number === errno.ECONNRESET) return "refused";
  return number === errno.ETIMEDOUT ? "timeout" : "unreachable";
}
