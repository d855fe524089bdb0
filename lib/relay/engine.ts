/**
 * The engine seam: three verbs that hide how bytes are moved. JavaScript above it sees a connection a few times in
 * its life and never each byte, so that an engine can be exchanged without a change to a session.
 */
import type { SocketAddress } from "../values/address.ts";

/** What accepts, connects and relays. One engine serves one data-plane thread. */
export interface Engine {
  readonly name: string;
  /** The clock of `performance.now()`, which may stand still while the engine deals with one moment's events. */
  now(): number;
  /** Calls back after so many milliseconds; returns what cancels it. Deno's own timers do not run in every engine's thread. */
  after(ms: number, callback: () => void): () => void;
  /**
   * Calls back soon, once all that has happened by now has had its effect: a session whose peers have ended by now has
   * closed its sockets and given its permits back.
   */
  whenSettled(callback: () => void): void;
  /**
   * Binds and listens on an IP address or a unix path; the acceptor belongs to the caller. Throws what the system said when
   * it cannot, and TypeError for a host name: names are resolved by the control plane.
   */
  listen(address: SocketAddress, options: ListenOptions): Acceptor;
  /**
   * Opens a connection to a target: tries its addresses, IP or unix, in their order, each for an equal share of the time
   * that is left (`connectInOrder`). Never throws: a failure is an answer. The socket belongs to the caller.
   */
  connect(addresses: readonly SocketAddress[], options: ConnectOptions): Promise<Connected>;
  /** Moves bytes both ways until both directions have ended; owns both sockets from here on and closes them. */
  relay(client: Socket, target: Socket, limits: RelayLimits): Relay;
}

export interface ListenOptions {
  /** Several threads listen on the same address and the kernel spreads connections over them (Linux only). */
  readonly shared: boolean;
  /** Told of each failed accept: the system's words for it. The acceptor goes on by itself. */
  readonly onError: (cause: string) => void;
}

/** A listening socket. `accept` answers undefined once it is closed and never throws. */
export interface Acceptor extends Disposable {
  /** The address in fact bound: port 0 has become a real port. */
  readonly address: SocketAddress;
  accept(): Promise<Socket | undefined>;
}

/** One connection. Disposing twice is harmless. */
export interface Socket extends Disposable {
  /** The peer's address, `host:port`; `unix:` for a peer without one. */
  readonly remote: string;
  /** The peer's host alone: what sourceHash hashes. */
  readonly remoteHost: string;
  /** Ends the connection at once so that the peer sees it was cut; engines that cannot send an RST just close. */
  reset(): void;
}

export interface ConnectOptions {
  /** Milliseconds for all addresses together until the attempt is given up; Infinity = the system's own limit. */
  readonly timeoutMs: number;
  /** The session's client: when it resets (or is reset by us) meanwhile, the attempt ends with `client_gone`. */
  readonly client: Socket;
}

/** Why an attempt to connect failed. `resource`: no descriptors, ports or memory on our side. */
export type ConnectFailure = "refused" | "timeout" | "unreachable" | "resource" | "client_gone";

export type Connected =
  | {
    readonly kind: "connected";
    readonly socket: Socket;
    /** Which of the addresses it is. */
    readonly index: number;
  }
  | {
    readonly kind: "failed";
    readonly failure: ConnectFailure;
    /** In words for people: "connection refused", with each address in front where there are several. */
    readonly detail: string;
  };

/** Limits of one relay in milliseconds; Infinity = none. */
export interface RelayLimits {
  /** No byte either way. */
  readonly idleMs: number;
  /** One side has finished, the other sends nothing. */
  readonly halfClosedMs: number;
  /** Bytes are waiting for a side that takes none. */
  readonly stallMs: number;
  /** From the start of the relay, whatever happens. */
  readonly lifetimeMs: number;
}

/** How a relay ended by itself. */
export type RelayEnd =
  | "done"
  | "client_reset"
  | "server_reset"
  | "idle"
  | "half_closed"
  | "stalled"
  | "lifetime";

/** A relay under way. The figures are live. */
export interface Relay {
  /** Bytes received from the client. */
  readonly receivedBytes: number;
  /** Bytes sent to the client. */
  readonly sentBytes: number;
  /** When the target's first byte arrived, on the clock of `performance.now()`; undefined = none came. */
  readonly firstByteAt: number | undefined;
  /** Settles once, after both sockets are closed; `cut` when somebody called it first. Never rejects. */
  readonly ended: Promise<RelayEnd | "cut">;
  /** Ends the relay now: both peers see a cut connection. */
  cut(): void;
}

/** A bound on how long a finished session still reads and throws away what a peer goes on sending, so that closing does not destroy what was already written to it (Linux answers unread input with an RST). */
export const lingerMs = 2_000;
