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
   * that is left (`connectInOrder`). A failure is an answer: it rejects for a fault in the program alone. The socket belongs to
   * the caller.
   */
  connect(addresses: readonly SocketAddress[], options: ConnectOptions): Promise<Connected>;
  /** Moves bytes both ways until both directions have ended; owns both sockets from here on and closes them. */
  relay(client: Socket, target: Socket, limits: RelayLimits, observer?: RelayObserver): Relay;
}

export interface ListenOptions {
  /** Several threads listen on the same address and the kernel spreads connections over them (Linux only). */
  readonly shared: boolean;
  /**
   * Called for each failed accept with its cause in words: `goneBeforeAccept` for a client that had left by then, else a
   * fault of this machine. The acceptor goes on by itself.
   */
  readonly onError: (cause: string) => void;
}

/**
 * A listening socket. Disposing closes it, removes the file of a unix socket where that is still its own, and resets what
 * `drain` has accepted and nobody has asked for.
 */
export interface Acceptor extends Disposable {
  /** The address in fact bound: port 0 has become a real port. */
  readonly address: SocketAddress;
  /** The next client, whose socket belongs to the caller; undefined once the listener is closed. Never rejects. */
  accept(): Promise<Socket | undefined>;
  /**
   * Accepts every client that waits in the listener's queue, then closes the listener: `accept` hands those out first, and
   * answers undefined afterwards. Resolves once it is closed. Where descriptors run out the rest is refused, and `onError`
   * called. Whoever shares the address goes on listening. The portable engine cannot ask whether the queue is empty: it
   * takes it to be once no client has come for a moment.
   */
  drain(): Promise<void>;
}

/**
 * One connection. Disposing closes it: the peer sees a FIN, or an RST where input was left unread. Disposing twice is
 * harmless.
 *
 * `peek`, `skip`, `write` and `whenGone` are for the time before the relay. One `peek` or `write` at a time, and none while
 * `Engine.connect` waits for this client; what was peeked and not skipped is relayed afterwards byte for byte, and what was
 * written goes before everything that is relayed. The figures of the relay count neither.
 */
export interface Socket extends Disposable {
  /** The peer's address, `host:port`; `unix:` for a peer without one. */
  readonly remote: string;
  /** The peer's host alone: what sourceHash hashes. */
  readonly remoteHost: string;
  /** This end's address as the peer reached it, `host:port` or `unix:/path`; `unix:` for an end without one. */
  readonly local: string;
  /** Waits for the first bytes and returns what there is of them without consuming it. Rejects with RangeError alone. */
  peek(options: PeekOptions): Promise<Peeked>;
  /** Consumes the first `bytes` of what the last `peek` gave. Throws RangeError when it gave less. */
  skip(bytes: number): void;
  /** Writes all of `bytes`, which must stay as they are until it resolves. Never rejects. */
  write(bytes: Uint8Array<ArrayBuffer>, options: WriteOptions): Promise<Written>;
  /**
   * Calls back once when the connection is reset by the peer or closed from this side, even if it was before; not before
   * this call has returned. A FIN is no such end: a client may finish early and wait for its answer. Returns what cancels
   * it. The portable engine has to read ahead for it, and stops noticing behind 2 KiB that nobody has taken.
   */
  whenGone(callback: () => void): () => void;
  /** Ends the connection at once so that the peer sees it was cut; engines that cannot send an RST just close. */
  reset(): void;
}

/** As much as `peek` can give: the largest TLS record with its header (RFC 8446, section 5.1). */
export const maxPeekBytes = 16 * 1024 + 5;

export interface PeekOptions {
  /** How many bytes are wanted, 1 to `maxPeekBytes`, else RangeError: the answer has at least so many unless they end before. */
  readonly minBytes: number;
  /** Milliseconds until it answers with what there is; Infinity = none. */
  readonly timeoutMs: number;
}

/**
 * The first bytes. `bytes`: as many as were wanted, perhaps more; `end`: the peer has finished, or has sent urgent data,
 * behind which nothing can be seen, and these were all; `timeout`: no more came in time. They belong to the caller.
 */
export type Peeked =
  | { readonly kind: "bytes" | "end" | "timeout"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The connection was reset, or closed from this side. */
  | { readonly kind: "gone" };

export interface WriteOptions {
  /** Milliseconds until it is given up; Infinity = none. */
  readonly timeoutMs: number;
}

/**
 * `written`: the kernel has all of it. `gone`: the connection was reset, or closed from this side. `timeout`: the peer did not
 * take all of it in time. After anything but `written` some of it may have arrived: close the connection.
 */
export type Written = "written" | "gone" | "timeout";

export interface ConnectOptions {
  /** Milliseconds for all addresses together until the attempt is given up; Infinity = the system's own limit. */
  readonly timeoutMs: number;
  /** The session's client: when it resets, or is reset from this side, meanwhile, the attempt ends with `client_gone`. */
  readonly client: Socket;
}

/** Why an attempt to connect failed. `resource`: no descriptors, ports or memory on this machine. */
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
  /**
   * How long a connection is quiet before TCP asks its peer whether it is still there. A peer that has vanished ends the relay
   * as one that has reset; it is not asked of in a relay's first second, nor of unix sockets. The portable engine has TCP ask
   * after the kernel's own times, whatever this is (net.ipv4.tcp_keepalive_time on Linux: two hours).
   */
  readonly keepAliveMs: number;
}

/** No limit at all. */
export const unlimited: RelayLimits = {
  idleMs: Infinity,
  halfClosedMs: Infinity,
  stallMs: Infinity,
  lifetimeMs: Infinity,
  keepAliveMs: Infinity,
};

/** Who is told of what happens in a relay while it goes on. */
export interface RelayObserver {
  /** The target's first byte has come; called once, perhaps before `relay` has returned. What it throws ends the relay. */
  firstByte(): void;
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
  /** When the last byte moved in either direction, on the same clock; the start of the relay where none did. */
  readonly lastByteAt: number;
  /**
   * Settles once, after both sockets are closed; `cut` when somebody called it first, or the program has a fault, which the
   * engine has reported then. Never rejects.
   */
  readonly ended: Promise<RelayEnd | "cut">;
  /** Ends the relay now: both peers see a cut connection. */
  cut(): void;
}

/** A bound on how long a finished session still reads and throws away what a peer goes on sending, so that closing does not destroy what was already written to it (Linux answers unread input with an RST). */
export const lingerMs = 2_000;
