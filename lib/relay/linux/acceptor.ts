/** Accepting: a listening socket that hands out connections one by one, also when descriptors run out. */
import type { SocketAddress } from "../../values/address.ts";
import type { Acceptor, ListenOptions, Socket } from "../engine.ts";
import { notAnAddress } from "../literal.ts";
import { ourFault } from "./connect.ts";
import { ep, errno, so, SystemError } from "./libc.ts";
import type { Reactor, Watcher } from "./reactor.ts";
import { LinuxSocket, openSocket, switchOn } from "./socket.ts";
import { addressBytes, decodeAddress, encodeAddress, packPeer } from "./socket_address.ts";

const backlog = 4_096;

/** How long accepting rests when the process is out of memory, or has spent its reserve. */
const exhaustedMs = 5;

/** As a listener's caller knows it: an address in use is told apart. */
function bindError(number: number): Error {
  const error = new SystemError("bind", number);
  return number === errno.EADDRINUSE ? new Deno.errors.AddrInUse(error.message) : error;
}

/** See `Acceptor`. Throws in the constructor what the system said; nothing is left behind then. */
export class LinuxAcceptor implements Acceptor, Watcher {
  readonly address: SocketAddress;
  readonly #reactor: Reactor;
  readonly #descriptor: number;
  readonly #onError: (cause: string) => void;
  readonly #peer = new Uint8Array(addressBytes);
  readonly #peerBytes = new Uint32Array(1);
  readonly #peerBytesView = new Uint8Array(this.#peerBytes.buffer);
  readonly #waiting: ((socket: Socket | undefined) => void)[] = [];
  #reserve = -1;
  #resting = false;
  #closed = false;

  constructor(reactor: Reactor, address: SocketAddress, { shared, onError }: ListenOptions) {
    this.#reactor = reactor;
    this.#onError = onError;
    const encoded = encodeAddress(address);
    if (encoded === undefined) throw new TypeError(notAnAddress(address));
    this.#descriptor = openSocket(reactor, encoded);
    try {
      this.address = this.#bind(address, encoded, shared);
      reactor.watch(this.#descriptor, this, ep.IN | ep.ET);
    } catch (error) {
      reactor.libc.call.close(this.#descriptor);
      throw error;
    }
    this.#keepReserve();
  }

  accept(): Promise<Socket | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const socket = this.#accept();
    if (socket !== undefined) return Promise.resolve(socket);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Accepting closes nothing, so it need not wait for the turn's other events. */
  ready(): void {
    while (this.#waiting.length > 0) {
      const socket = this.#accept();
      if (socket === undefined) return;
      this.#answer(socket);
    }
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    const { libc } = this.#reactor;
    this.#reactor.forget(this.#descriptor);
    libc.call.close(this.#descriptor);
    if (this.#reserve >= 0) libc.call.close(this.#reserve);
    while (this.#waiting.length > 0) this.#answer(undefined);
  }

  #answer(socket: Socket | undefined): void {
    this.#reactor.stirred = true;
    this.#waiting.shift()!(socket);
  }

  #bind(address: SocketAddress, encoded: Uint8Array<ArrayBuffer>, shared: boolean): SocketAddress {
    const { libc } = this.#reactor;
    const descriptor = this.#descriptor;
    switchOn(this.#reactor, descriptor, [so.SOL_SOCKET, so.SO_REUSEADDR]);
    if (shared) switchOn(this.#reactor, descriptor, [so.SOL_SOCKET, so.SO_REUSEPORT]);
    // Accepted sockets inherit it on Linux.
    if (address.kind === "tcp") switchOn(this.#reactor, descriptor, [so.IPPROTO_TCP, so.TCP_NODELAY]);
    if (libc.call.bind(descriptor, encoded, encoded.length) !== 0) throw bindError(libc.errno());
    if (libc.call.listen(descriptor, backlog) !== 0) throw bindError(libc.errno());
    const bound = new Uint8Array(addressBytes);
    libc.call.getsockname(descriptor, bound, new Uint8Array(new Uint32Array([addressBytes]).buffer));
    return decodeAddress(bound) ?? address;
  }

  /** The next connection; undefined when none is there, or none can be had for the moment. */
  #accept(): Socket | undefined {
    if (this.#resting || !this.#keepReserve()) return undefined;
    const { libc } = this.#reactor;
    for (;;) {
      this.#peerBytes[0] = addressBytes;
      const bytes = this.#peerBytesView;
      const descriptor = libc.call.accept4(this.#descriptor, this.#peer, bytes, so.NONBLOCK_CLOEXEC);
      const number = descriptor < 0 ? libc.errno() : 0;
      if (number === errno.EAGAIN) return undefined;
      if (number === errno.EINTR) continue;
      try {
        if (number !== 0) throw new SystemError("accept4", number);
        return new LinuxSocket(this.#reactor, descriptor, packPeer(this.#peer));
      } catch (error) {
        this.#onError((error as Error).message);
      }
      if ((number === errno.EMFILE || number === errno.ENFILE) && this.#reserve >= 0) this.#giveUpReserve();
      else if (ourFault.has(number)) return this.#rest();
    }
  }

  /** Keeps a descriptor for when there is no other; false when it cannot be had now. */
  #keepReserve(): boolean {
    if (this.#reserve >= 0) return true;
    this.#reserve = this.#reactor.libc.call.eventfd(0, ep.EFD_NONBLOCK_CLOEXEC);
    if (this.#reserve < 0) this.#rest();
    return this.#reserve >= 0;
  }

  /** The next client gets it: its session, which cannot connect, refuses it. Without one it would wait unheard. */
  #giveUpReserve(): void {
    this.#reactor.libc.call.close(this.#reserve);
    this.#reserve = -1;
  }

  #rest(): undefined {
    this.#resting = true;
    this.#reactor.after(exhaustedMs, () => {
      this.#resting = false;
      this.ready();
    });
  }
}
