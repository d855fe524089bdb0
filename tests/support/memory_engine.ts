import { BufferPool } from "../../lib/relay/portable/buffers.ts";
import { connectInOrder } from "../../lib/relay/connect_in_order.ts";
import { LimitSweeper } from "../../lib/relay/limits.ts";
import type { Acceptor, Connected, ConnectFailure, ConnectOptions, Engine } from "../../lib/relay/engine.ts";
import type { ListenOptions, Relay, RelayLimits, RelayObserver, Socket } from "../../lib/relay/engine.ts";
import { isLiteral, notAnAddress } from "../../lib/relay/literal.ts";
import { StreamRelay } from "../../lib/relay/portable/stream_relay.ts";
import { formatAddress, type SocketAddress } from "../../lib/values/address.ts";
import { MemorySocket } from "./memory_socket.ts";

/** What becomes of attempts to connect to an address; `silent`: it never answers. */
export type Answer = Exclude<ConnectFailure, "client_gone"> | "silent";

/** An engine without sockets: its own network of addresses, in which the relay of the portable engine moves bytes. */
export class MemoryEngine implements Engine {
  readonly name = "memory";
  /** Takes what one session's code has thrown. */
  onFault: (error: unknown) => void = reportError;

  now(): number {
    return performance.now();
  }
  /** Every address that `connect` was called for, in order. */
  readonly attempts: string[] = [];
  readonly #pool = new BufferPool();
  readonly #sweeper = new LimitSweeper();
  readonly #acceptors = new Map<string, MemoryAcceptor>();
  readonly #answers = new Map<string, Answer>();
  #nextPort = 40_000;
  #openSockets = 0;

  /** Ends of connections that nobody has closed. */
  get openSockets(): number {
    return this.#openSockets;
  }

  // Whoever takes it need not keep the engine.
  after = (ms: number, callback: () => void): () => void => {
    const timer = setTimeout(() => this.#guard(callback), ms);
    return () => clearTimeout(timer);
  };

  whenSettled(callback: () => void): void {
    setTimeout(() => this.#guard(callback));
  }

  #guard(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.onFault(error);
    }
  }

  listen(address: SocketAddress, options: ListenOptions): MemoryAcceptor {
    if (!isLiteral(address)) throw new TypeError(notAnAddress(address));
    const bound = address.kind === "tcp" && address.port === 0
      ? { ...address, port: this.#nextPort++ }
      : address;
    const key = formatAddress(bound);
    if (this.#acceptors.has(key)) throw new Deno.errors.AddrInUse("address in use");
    const acceptor = new MemoryAcceptor(bound, { ...options, onClose: () => this.#acceptors.delete(key) });
    this.#acceptors.set(key, acceptor);
    return acceptor;
  }

  /** Scripts what attempts to connect to an address come to from now on. */
  answer(address: SocketAddress, answer: Answer): void {
    this.#answers.set(formatAddress(address), answer);
  }

  /** Takes back what was scripted for an address. */
  forget(address: SocketAddress): void {
    this.#answers.delete(formatAddress(address));
  }

  /** Makes an accept of a listener fail, as the system would say it. */
  failAccept(address: SocketAddress, cause: string): void {
    this.#acceptors.get(formatAddress(address))?.onError(cause);
  }

  connect(addresses: readonly SocketAddress[], { timeoutMs, client }: ConnectOptions): Promise<Connected> {
    return connectInOrder(addresses, {
      timeoutMs,
      now: () => performance.now(),
      connectTo: (address, timeoutMs) => this.#connectTo(address, { client, timeoutMs }),
    });
  }

  async #connectTo(address: SocketAddress, { timeoutMs, client }: ConnectOptions): Promise<Connected> {
    if (!isLiteral(address)) return { kind: "failed", failure: "unreachable", detail: notAnAddress(address) };
    const key = formatAddress(address);
    this.attempts.push(key);
    const answer = this.#answers.get(key) ?? (this.#acceptors.has(key) ? undefined : "refused");
    const failure = await outcome(answer, { timeoutMs, client });
    if (failure !== undefined) return { kind: "failed", failure, detail: details[failure] };
    // Its listener may have been closed meanwhile.
    if (!this.#acceptors.has(key)) return { kind: "failed", failure: "refused", detail: details.refused };
    return { kind: "connected", socket: this.dial(address), index: 0 };
  }

  relay(client: Socket, target: Socket, limits: RelayLimits, observer?: RelayObserver): Relay {
    const { onFault } = this;
    const options = { limits, observer, onFault, pool: this.#pool, sweeper: this.#sweeper };
    return new StreamRelay(client as MemorySocket, target as MemorySocket, options);
  }

  /** A connection from a host outside to a listener; throws when nobody listens there. */
  dial(address: SocketAddress, fromHost = "192.0.2.1"): MemorySocket {
    const key = formatAddress(address);
    const acceptor = this.#acceptors.get(key);
    if (acceptor === undefined) throw new Deno.errors.ConnectionRefused(`nobody listens on ${key}`);
    this.#openSockets += 2;
    const onClose = () => this.#openSockets--;
    const from = formatAddress({ kind: "tcp", host: fromHost, port: this.#nextPort++ });
    const [near, far] = MemorySocket.pair(
      { local: from, remote: key, remoteHost: address.kind === "tcp" ? address.host : key, onClose },
      { local: key, remote: from, remoteHost: fromHost, onClose },
    );
    acceptor.arrive(far);
    return near;
  }
}

/** The words for each failure. */
const details: { readonly [failure in ConnectFailure]: string } = {
  refused: "connection refused",
  timeout: "no answer in time",
  unreachable: "host unreachable",
  resource: "no free file descriptor",
  client_gone: "the client is gone",
};

/** How an attempt ends: with a failure, or undefined = connected. */
async function outcome(
  answer: Answer | undefined,
  { timeoutMs, client }: { timeoutMs: number; client: Socket },
): Promise<ConnectFailure | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopWatching = () => {};
  const gone = new Promise<"client_gone">((resolve) => {
    stopWatching = client.whenGone(() => resolve("client_gone"));
  });
  const ends: Promise<ConnectFailure | undefined>[] = [gone];
  if (answer !== "silent") ends.push(Promise.resolve(answer));
  else if (Number.isFinite(timeoutMs)) {
    ends.push(new Promise((resolve) => timer = setTimeout(() => resolve("timeout"), timeoutMs)));
  }
  try {
    return await Promise.race(ends);
  } finally {
    clearTimeout(timer);
    stopWatching();
  }
}

/** A listener of the memory engine; what nobody accepted is reset when it closes. */
export class MemoryAcceptor implements Acceptor {
  readonly address: SocketAddress;
  readonly onError: (cause: string) => void;
  readonly #onClose: () => void;
  readonly #arrived: MemorySocket[] = [];
  readonly #waiting: ((socket: MemorySocket | undefined) => void)[] = [];
  #closed = false;

  constructor(address: SocketAddress, options: ListenOptions & { onClose: () => void }) {
    this.address = address;
    this.onError = options.onError;
    this.#onClose = options.onClose;
  }

  drain(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#onClose();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
    return Promise.resolve();
  }

  accept(): Promise<MemorySocket | undefined> {
    const socket = this.#arrived.shift();
    if (socket !== undefined || this.#closed) return Promise.resolve(socket);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Hands over a connection, or keeps it for the next accept. */
  arrive(socket: MemorySocket): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(socket);
    else waiting(socket);
  }

  [Symbol.dispose](): void {
    void this.drain();
    for (const socket of this.#arrived.splice(0)) socket.reset();
  }
}
