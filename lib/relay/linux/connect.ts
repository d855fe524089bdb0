/** Connecting: an attempt that ends when the connection stands, or cannot, or nobody waits for it any more. */
import type { SocketAddress } from "../../values/address.ts";
import { connectInOrder } from "../connect_in_order.ts";
import type { Connected, ConnectFailure, ConnectOptions } from "../engine.ts";
import { clientGone, connectedToItself, noIpv6, timedOut, wordsForErrno } from "../failure_words.ts";
import { notAnAddress } from "../literal.ts";
import { errno, type Libc, localFaults, socketConstants, SystemError } from "./libc.ts";
import type { Reactor, Task } from "./reactor.ts";
import { LinuxSocket } from "./socket.ts";
import { encodeAddress, encodedAddress, isOwnAddress } from "./socket_address.ts";
import { ackWithData, openSocket, readOption } from "./socket_options.ts";
import type { Timer } from "./timers.ts";

type Bytes = Uint8Array<ArrayBuffer>;

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
  if (encoded === undefined) return Promise.resolve(failure("unreachable", notAnAddress(address)));
  const isTcp = encoded[0] !== socketConstants.AF_UNIX;
  const client = options.client as LinuxSocket;
  const hasInput = !client.closed && client.hasInput();
  if (client.isGone) return Promise.resolve(failure("client_gone", clientGone));
  let socket: LinuxSocket;
  try {
    socket = new LinuxSocket(reactor, openSocket(reactor.libc, encoded), address);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return Promise.resolve(failureOf(error.number));
  }
  try {
    if (isTcp) socket.sends = "none";
    if (hasInput && isTcp) ackWithData(reactor.libc, socket.descriptor);
    return begin(socket, { encoded, options });
  } catch (error) {
    // A fault in the program: nobody else knows the socket.
    socket.reset();
    throw error;
  }
}

/** Has a socket connect. */
function begin(
  socket: LinuxSocket,
  { encoded, options }: { readonly encoded: Bytes; readonly options: ConnectOptions },
): Promise<Connected> {
  const { libc } = socket.reactor;
  if (libc.call.connect(socket.descriptor, encoded, encoded.length) === 0) {
    return Promise.resolve(established(socket, encoded));
  }
  const number = libc.errno();
  if (number === errno.EINPROGRESS) return new Connecting(socket, encoded, options).connected;
  socket[Symbol.dispose]();
  return Promise.resolve(
    lacksIpv6(libc, encoded, number) ? failure("unreachable", noIpv6) : failureOf(number),
  );
}

/** Begins a connection that belongs to no session; what becomes of it shows in its use. Throws SystemError. */
export function dialAsClient(reactor: Reactor, address: SocketAddress): LinuxSocket {
  const encoded = encodedAddress(address);
  if (encoded === undefined) throw new TypeError(notAnAddress(address));
  const socket = new LinuxSocket(reactor, openSocket(reactor.libc, encoded), address);
  reactor.libc.call.connect(socket.descriptor, encoded, encoded.length);
  return socket;
}

/** One attempt at one address. As a timer it is the time limit; as a task it runs when something happens to either socket. */
class Connecting implements Task, Timer {
  readonly connected: Promise<Connected>;
  queued = false;
  dueAt = 0;
  heapIndex = -1;
  readonly #client: LinuxSocket;
  readonly #socket: LinuxSocket;
  readonly #address: Bytes;
  readonly #resolve: (connected: Connected) => void;
  readonly #reject: (error: unknown) => void;

  constructor(socket: LinuxSocket, address: Bytes, { client, timeoutMs }: ConnectOptions) {
    this.#client = client as LinuxSocket;
    this.#socket = socket;
    this.#address = address;
    let settle!: (connected: Connected) => void;
    let reject!: (error: unknown) => void;
    this.connected = new Promise((...functions) => [settle, reject] = functions);
    this.#resolve = settle;
    this.#reject = reject;
    // The event that says that it stands says whether there is something to read, too.
    socket.writable = socket.readable = false;
    socket.owner = this;
    this.#client.watchGone(this);
    if (timeoutMs !== Infinity) socket.reactor.schedule(this, timeoutMs);
  }

  fire(): void {
    this.#answer(failure("timeout", timedOut));
  }

  run(): void {
    const socket = this.#socket;
    if (socket.owner !== this) return;
    if (this.#client.isGone) return this.#answer(failure("client_gone", clientGone));
    if (!socket.writable) return;
    const { SOL_SOCKET, SO_ERROR } = socketConstants;
    const { libc } = socket.reactor;
    const number = socket.failed ? readOption(libc, socket.descriptor, [SOL_SOCKET, SO_ERROR]) ?? 0 : 0;
    if (number !== 0) return this.#answer(failureOf(number));
    this.#release();
    this.#resolve(established(socket, this.#address));
  }

  /** A fault in the program, for whoever waits for the connection. */
  fail(error: unknown): void {
    this.#release();
    this.#reject(error);
    this.#socket.reset();
  }

  #answer(failed: Connected): void {
    this.#release();
    // It may stand by now: then the target sees a reset, not an end that somebody meant.
    this.#socket.reset();
    this.#resolve(failed);
  }

  #release(): void {
    const { reactor } = this.#socket;
    reactor.cancel(this);
    this.#socket.owner = undefined;
    this.#client.unwatchGone(this);
    reactor.microtasksPending = true;
  }
}

/**
 * The answer once connect(2) has succeeded. A socket that dials a port of this machine where nobody listens may have been
 * given that very port as its own, and then connects to itself (RFC 9293, section 3.5, simultaneous open): nobody is there.
 */
function established(socket: LinuxSocket, address: Bytes): Connected {
  if (address[0] === socketConstants.AF_UNIX) return { kind: "connected", socket, index: 0 };
  if (!isOwnAddress(socket.reactor.libc, socket.descriptor, address)) {
    return { kind: "connected", socket, index: 0 };
  }
  socket.reset();
  return failure("refused", connectedToItself);
}

const ipv6Loopback = encodeAddress({ kind: "tcp", host: "::1", port: 0 })!;

/**
 * The kernel gives the same error where no local port is free, which says nothing about the target, and where no address of
 * this machine can be used towards an IPv6 one. A machine that has any has that of its loopback.
 */
function lacksIpv6(libc: Libc, address: Bytes, number: number): boolean {
  if (number !== errno.EADDRNOTAVAIL || address[0] !== socketConstants.AF_INET6) return false;
  const descriptor = libc.call.socket(socketConstants.AF_INET6, socketConstants.STREAM_NONBLOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  const bound = libc.call.bind(descriptor, ipv6Loopback, ipv6Loopback.length);
  const lacks = bound !== 0 && libc.errno() === errno.EADDRNOTAVAIL;
  libc.call.close(descriptor);
  return lacks;
}

function failure(kind: ConnectFailure, detail: string): Connected {
  return { kind: "failed", failure: kind, detail };
}

function failureOf(number: number): Connected {
  return failure(kindOf(number), wordsForErrno(number));
}

function kindOf(number: number): ConnectFailure {
  if (localFaults.has(number)) return "resource";
  if (number === errno.ECONNREFUSED || number === errno.ECONNRESET) return "refused";
  return number === errno.ETIMEDOUT ? "timeout" : "unreachable";
}
