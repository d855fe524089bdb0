/**
 * The linux engine: the kernel's own sockets through the C library, one epoll for each thread. It needs the ffi permission,
 * and a thread of its own: nothing in Deno that takes its event loop moves while it waits in the kernel.
 */
import { formatAddress, type SocketAddress } from "../../values/address.ts";
import type {
  Acceptor,
  Connected,
  ConnectFailure,
  ConnectOptions,
  Engine,
  ListenOptions,
  Socket,
} from "../engine.ts";
import type { Shared } from "./direction.ts";
import { ep, errno, errnoName, so } from "./libc.ts";
import { Pipes } from "./pipes.ts";
import type { Reactor, Watcher } from "./reactor.ts";
import { LinuxRelay } from "./relay.ts";
import { LinuxSocket } from "./socket.ts";
import { addressBytes, decodeAddress, encodeAddress } from "./socket_address.ts";

const backlog = 4_096;
const usualBufferBytes = 64 * 1024;

/** How long accepting rests when the process is out of descriptors or memory. */
const exhaustedMs = 50;

export interface LinuxEngineOptions {
  readonly reactor: Reactor;
  /** Finds the addresses of a host name; rejects when there are none. */
  readonly resolve: (host: string) => Promise<string>;
  /** The size of the buffer that all sessions share; a read that fills it makes a direction bulk. */
  readonly bufferBytes?: number;
}

/** Makes a linux engine for one thread; whoever made the reactor turns it. */
export function linuxEngine(
  { reactor, resolve, bufferBytes = usualBufferBytes }: LinuxEngineOptions,
): Engine {
  const { libc, now } = reactor;
  const shared: Shared = { libc, now, pipes: new Pipes(reactor), buffer: new Uint8Array(bufferBytes) };
  return {
    name: "linux",
    after: (ms, callback) => reactor.after(ms, callback),
    listen: (address, options) => new LinuxAcceptor(reactor, address, options),
    connect: (address, options) => connect(reactor, { address, resolve, ...options }),
    relay: (client, target, limits) =>
      new LinuxRelay(client as LinuxSocket, target as LinuxSocket, { reactor, shared, limits }),
  };
}

/** Opens a socket for an address. Throws what the system said. */
function open(reactor: Reactor, address: Uint8Array<ArrayBuffer>): number {
  const descriptor = reactor.libc.call.socket(address[0]!, so.STREAM_NONBLOCK_CLOEXEC, 0);
  if (descriptor < 0) throw systemError("socket", reactor.libc.errno());
  return descriptor;
}

function setOption(reactor: Reactor, descriptor: number, [level, name]: readonly [number, number]): void {
  const on = new Uint8Array(new Int32Array([1]).buffer);
  reactor.libc.call.setsockopt(descriptor, level, name, on, on.length);
}

class SystemError extends Error {
  readonly number: number;

  constructor(call: string, number: number) {
    super(`${call}: ${errnoName(number)} (os error ${number})`);
    this.number = number;
  }
}

function systemError(call: string, number: number): Error {
  const error = new SystemError(call, number);
  return number === errno.EADDRINUSE ? new Deno.errors.AddrInUse(error.message) : error;
}

class LinuxAcceptor implements Acceptor, Watcher {
  readonly address: SocketAddress;
  readonly #reactor: Reactor;
  readonly #descriptor: number;
  readonly #onError: (cause: string) => void;
  readonly #peer = new Uint8Array(addressBytes);
  readonly #peerBytes = new Uint32Array([addressBytes]);
  #waiting: ((socket: Socket | undefined) => void)[] = [];
  #closed = false;

  constructor(reactor: Reactor, address: SocketAddress, { shared, onError }: ListenOptions) {
    this.#reactor = reactor;
    this.#onError = onError;
    const encoded = encodeAddress(address);
    if (encoded === undefined) throw new TypeError(`${formatAddress(address)} is not an IP address`);
    this.#descriptor = open(reactor, encoded);
    try {
      this.address = this.#bind(address, encoded, shared);
      reactor.watch(this.#descriptor, this, ep.IN | ep.ET);
    } catch (error) {
      reactor.libc.call.close(this.#descriptor);
      throw error;
    }
  }

  accept(): Promise<Socket | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const socket = this.#waiting.length === 0 ? this.#accept() : undefined;
    if (socket !== undefined) return Promise.resolve(socket);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  ready(): void {
    while (this.#waiting.length > 0) {
      const socket = this.#accept();
      if (socket === undefined) return;
      this.#reactor.stirred = true;
      this.#waiting.shift()!(socket);
    }
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reactor.forget(this.#descriptor);
    this.#reactor.libc.call.close(this.#descriptor);
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  #bind(address: SocketAddress, encoded: Uint8Array<ArrayBuffer>, shared: boolean): SocketAddress {
    const { libc } = this.#reactor;
    const descriptor = this.#descriptor;
    setOption(this.#reactor, descriptor, [so.SOL_SOCKET, so.SO_REUSEADDR]);
    if (shared) setOption(this.#reactor, descriptor, [so.SOL_SOCKET, so.SO_REUSEPORT]);
    // Accepted sockets inherit it on Linux.
    if (address.kind === "tcp") setOption(this.#reactor, descriptor, [so.IPPROTO_TCP, so.TCP_NODELAY]);
    if (libc.call.bind(descriptor, encoded, encoded.length) !== 0) throw systemError("bind", libc.errno());
    if (libc.call.listen(descriptor, backlog) !== 0) throw systemError("listen", libc.errno());
    const bound = new Uint8Array(addressBytes);
    libc.call.getsockname(descriptor, bound, new Uint8Array(new Uint32Array([addressBytes]).buffer));
    return decodeAddress(bound) ?? address;
  }

  /** The next connection; undefined when none is there, or none can be had for the moment. */
  #accept(): Socket | undefined {
    const { libc } = this.#reactor;
    for (;;) {
      this.#peerBytes[0] = addressBytes;
      const bytes = new Uint8Array(this.#peerBytes.buffer);
      const descriptor = libc.call.accept4(this.#descriptor, this.#peer, bytes, so.NONBLOCK_CLOEXEC);
      if (descriptor >= 0) {
        try {
          return new LinuxSocket(this.#reactor, descriptor, decodeAddress(this.#peer));
        } catch (error) {
          this.#onError((error as Error).message);
          return this.#rest();
        }
      }
      const number = libc.errno();
      if (number === errno.EAGAIN) return undefined;
      if (number === errno.EINTR) continue;
      this.#onError(systemError("accept4", number).message);
      if (number === errno.ECONNABORTED || !ourFault.has(number)) continue;
      return this.#rest();
    }
  }

  #rest(): undefined {
    this.#reactor.after(exhaustedMs, () => this.ready());
  }
}

interface Attempt extends ConnectOptions {
  readonly address: SocketAddress;
  readonly resolve: LinuxEngineOptions["resolve"];
}

async function connect(reactor: Reactor, attempt: Attempt): Promise<Connected> {
  const { address } = attempt;
  let encoded = encodeAddress(address);
  if (encoded === undefined && address.kind === "tcp") {
    try {
      encoded = encodeAddress({ ...address, host: await attempt.resolve(address.host) });
    } catch (error) {
      return {
        kind: "failed",
        failure: "unreachable",
        detail: error instanceof Error ? error.message : String(error),
      };
    }
  }
  if (encoded === undefined) return { kind: "failed", failure: "unreachable", detail: "no address" };
  let descriptor: number;
  try {
    descriptor = open(reactor, encoded);
  } catch (error) {
    return failed((error as SystemError).number);
  }
  if (address.kind === "tcp") setOption(reactor, descriptor, [so.IPPROTO_TCP, so.TCP_NODELAY]);
  let socket: LinuxSocket;
  try {
    socket = new LinuxSocket(reactor, descriptor, address);
  } catch (error) {
    return { kind: "failed", failure: "resource", detail: (error as Error).message };
  }
  if (reactor.libc.call.connect(descriptor, encoded, encoded.length) === 0) {
    return { kind: "connected", socket };
  }
  const number = reactor.libc.errno();
  if (number === errno.EINPROGRESS) return await established(reactor, { socket, ...attempt });
  socket[Symbol.dispose]();
  return failed(number);
}

/** Waits until a connection stands, or does not, or nobody waits for it any more. */
function established(
  reactor: Reactor,
  { socket, client, timeoutMs }: { socket: LinuxSocket } & ConnectOptions,
): Promise<Connected> {
  const leaving = client as LinuxSocket;
  return new Promise((resolve) => {
    const finish = (connected: Connected) => {
      cancel();
      socket.onReady = leaving.onReady = undefined;
      if (connected.kind === "failed") socket[Symbol.dispose]();
      reactor.stirred = true;
      resolve(connected);
    };
    const giveUp = (failure: ConnectFailure) => finish({ kind: "failed", failure, detail: failure });
    const cancel = Number.isFinite(timeoutMs) ? reactor.after(timeoutMs, () => giveUp("timeout")) : () => {};
    socket.writable = false;
    socket.onReady = () => {
      if (!socket.writable) return;
      const number = pendingError(reactor, socket.descriptor);
      finish(number === 0 ? { kind: "connected", socket } : failed(number));
    };
    const look = () => {
      if (leaving.closed || leaving.cut) giveUp("client_gone");
    };
    leaving.onReady = look;
    // It may have gone before: between two attempts, or while a name was looked up.
    look();
  });
}

function pendingError(reactor: Reactor, descriptor: number): number {
  const value = new Int32Array(1);
  const size = new Uint8Array(new Uint32Array([4]).buffer);
  reactor.libc.call.getsockopt(descriptor, so.SOL_SOCKET, so.SO_ERROR, new Uint8Array(value.buffer), size);
  return value[0]!;
}

const ourFault: ReadonlySet<number> = new Set([
  errno.EMFILE,
  errno.ENFILE,
  errno.ENOBUFS,
  errno.ENOMEM,
  errno.EADDRNOTAVAIL,
]);

function failed(number: number): Connected {
  const detail = `${errnoName(number)} (os error ${number})`;
  return { kind: "failed", failure: failureOf(number), detail };
}

function failureOf(number: number): ConnectFailure {
  if (ourFault.has(number)) return "resource";
  if (number === errno.ECONNREFUSED || number === errno.ECONNRESET) return "refused";
  return number === errno.ETIMEDOUT ? "timeout" : "unreachable";
}
