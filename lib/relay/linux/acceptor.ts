/** Accepting: a listening socket that hands out connections one by one, also when descriptors run out. */
import type { SocketAddress } from "../../values/address.ts";
import type { Acceptor, ListenOptions, Socket } from "../engine.ts";
import { goneBeforeAccept } from "../../values/words.ts";
import { wordsForErrno } from "../failure_words.ts";
import { notAnAddress } from "../literal.ts";
import { epollConstants, errno, localFaults, socketConstants, SystemError } from "./libc.ts";
import type { Reactor, Watcher } from "./reactor.ts";
import { LinuxSocket } from "./socket.ts";
import { addressBytes, encodeAddress, localAddress, packPeer } from "./socket_address.ts";
import { enableOption, openSocket, setNoDelay } from "./socket_options.ts";
import { UnixFile } from "./unix_file.ts";

/** How many connections may wait in the kernel to be accepted; it cuts this to `net.core.somaxconn`. */
const maxQueuedConnections = 4_096;

/** How long accepting pauses when the process is out of memory, or has spent its reserve. */
const backoffMs = 5;

/** As a listener's caller knows it: an address in use is an error of its own. */
function bindError(number: number): Error {
  if (number !== errno.EADDRINUSE) return new SystemError("bind", number);
  return Object.assign(new Deno.errors.AddrInUse(wordsForErrno(number)), { code: "EADDRINUSE" });
}

/** See `Acceptor`. The constructor throws what the system said; nothing is left behind then. */
export class LinuxAcceptor implements Acceptor, Watcher {
  readonly address: SocketAddress;
  readonly #reactor: Reactor;
  readonly #descriptor: number;
  readonly #onError: (cause: string) => void;
  readonly #peer = new Uint8Array(addressBytes);
  readonly #peerBytes = new Uint32Array(1);
  readonly #peerBytesView = new Uint8Array(this.#peerBytes.buffer);
  readonly #waiting: ((socket: Socket | undefined) => void)[] = [];
  /** Clients that `drain` has accepted and nobody has asked for yet. */
  readonly #accepted: Socket[] = [];
  #file: UnixFile | undefined;
  /** A descriptor that is kept for when there is no other. */
  #reserve = -1;
  #cancelBackoff: (() => void) | undefined;
  #closed = false;

  constructor(reactor: Reactor, address: SocketAddress, { shared, onError }: ListenOptions) {
    this.#reactor = reactor;
    this.#onError = onError;
    const encoded = encodeAddress(address);
    if (encoded === undefined) throw new TypeError(notAnAddress(address));
    this.#descriptor = openSocket(reactor.libc, encoded);
    try {
      this.address = this.#bind(address, encoded, shared);
      reactor.watch(this.#descriptor, this, epollConstants.IN | epollConstants.ET);
    } catch (error) {
      reactor.libc.call.close(this.#descriptor);
      this.#file?.remove();
      throw error;
    }
    this.#hasReserve();
  }

  accept(): Promise<Socket | undefined> {
    const socket = this.#accepted.shift() ?? (this.#closed ? undefined : this.#acceptOne());
    if (socket !== undefined || this.#closed) return Promise.resolve(socket);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Accepting closes nothing, so it need not wait for the poll's other events. */
  ready(): void {
    while (this.#waiting.length > 0) {
      const socket = this.#acceptOne();
      if (socket === undefined) return;
      this.#answer(socket);
    }
  }

  drain(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    // From now on nobody finds it, so that what is in the queue is all there will be.
    this.#file?.remove();
    this.#endBackoff();
    for (let count = 0; count < maxQueuedConnections; count++) {
      const socket = this.#acceptOne();
      if (socket === undefined) break;
      if (this.#waiting.length > 0) this.#answer(socket);
      else this.#accepted.push(socket);
    }
    this.#close();
    return Promise.resolve();
  }

  [Symbol.dispose](): void {
    this.#close();
    for (const socket of this.#accepted.splice(0)) socket.reset();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { libc } = this.#reactor;
    this.#endBackoff();
    this.#reactor.unwatch(this.#descriptor);
    this.#file?.remove();
    libc.call.close(this.#descriptor);
    if (this.#reserve >= 0) libc.call.close(this.#reserve);
    while (this.#waiting.length > 0) this.#answer(undefined);
  }

  #answer(socket: Socket | undefined): void {
    this.#reactor.microtasksPending = true;
    this.#waiting.shift()!(socket);
  }

  #bind(address: SocketAddress, encoded: Uint8Array<ArrayBuffer>, shared: boolean): SocketAddress {
    const { libc } = this.#reactor;
    const descriptor = this.#descriptor;
    const { SOL_SOCKET, SO_REUSEADDR, SO_REUSEPORT } = socketConstants;
    enableOption(libc, descriptor, [SOL_SOCKET, SO_REUSEADDR]);
    if (shared) enableOption(libc, descriptor, [SOL_SOCKET, SO_REUSEPORT]);
    // Accepted sockets inherit it on Linux.
    if (address.kind === "tcp") setNoDelay(libc, descriptor);
    if (libc.call.bind(descriptor, encoded, encoded.length) !== 0) throw bindError(libc.errno());
    if (address.kind === "unix") this.#file = new UnixFile(libc, address.path);
    if (libc.call.listen(descriptor, maxQueuedConnections) !== 0) throw bindError(libc.errno());
    return address.kind === "unix" ? address : localAddress(libc, descriptor) ?? address;
  }

  /** The next connection; undefined when none is there, or none can be had for the moment. Throws nothing. */
  #acceptOne(): Socket | undefined {
    try {
      return this.#acceptOrThrow();
    } catch (error) {
      // An event is reported once: without another try the clients in the queue would wait for the next one.
      this.#backOff();
      this.#reactor.onFault(error);
      return undefined;
    }
  }

  #acceptOrThrow(): Socket | undefined {
    if (this.#cancelBackoff !== undefined || !this.#hasReserve()) return undefined;
    const { libc } = this.#reactor;
    for (;;) {
      this.#peerBytes[0] = addressBytes;
      const bytes = this.#peerBytesView;
      const { NONBLOCK_CLOEXEC } = socketConstants;
      const descriptor = libc.call.accept4(this.#descriptor, this.#peer, bytes, NONBLOCK_CLOEXEC);
      const number = descriptor < 0 ? libc.errno() : 0;
      if (number === errno.EAGAIN) return undefined;
      if (number === errno.EINTR) continue;
      try {
        if (number !== 0) throw new SystemError("accept", number);
        return new LinuxSocket(this.#reactor, descriptor, packPeer(this.#peer));
      } catch (error) {
        this.#onError(number === errno.ECONNABORTED ? goneBeforeAccept : (error as Error).message);
      }
      if ((number === errno.EMFILE || number === errno.ENFILE) && this.#reserve >= 0) this.#freeReserve();
      else if (localFaults.has(number)) return this.#backOff();
    }
  }

  /** Whether the reserve is held; opens it again where it was freed, and backs off where that fails. */
  #hasReserve(): boolean {
    if (this.#reserve >= 0) return true;
    this.#reserve = this.#reactor.libc.call.eventfd(0, epollConstants.EFD_NONBLOCK_CLOEXEC);
    if (this.#reserve < 0) this.#backOff();
    return this.#reserve >= 0;
  }

  /**
   * Frees the reserve so that one more client can be accepted: its session, which cannot connect, refuses it. Without
   * one it would wait in the queue and never learn why.
   */
  #freeReserve(): void {
    this.#reactor.libc.call.close(this.#reserve);
    this.#reserve = -1;
  }

  #backOff(): undefined {
    this.#cancelBackoff ??= this.#reactor.after(backoffMs, () => {
      this.#cancelBackoff = undefined;
      this.ready();
    });
  }

  #endBackoff(): void {
    this.#cancelBackoff?.();
    this.#cancelBackoff = undefined;
  }
}
