/** Accepting by `Deno.listen`, one accept at a time: Deno refuses a second one on the same listener. */
import type { SocketAddress } from "../../values/address.ts";
import type { Acceptor, ListenOptions, Socket } from "../engine.ts";
import { goneBeforeAccept } from "../../values/words.ts";
import { wordsForError } from "../failure_words.ts";
import { isLiteral, notAnAddress } from "../literal.ts";
import { PortableSocket } from "./socket.ts";
import { UnixFile } from "./unix_file.ts";

/** How many connections may wait in the kernel to be accepted; it cuts this to `net.core.somaxconn`. */
const maxQueuedConnections = 4_096;

/** How long accepting pauses when the process is out of descriptors or memory. */
const backoffMs = 50;

/** The queue is taken to be empty once no client has come in so many pauses of so many milliseconds in a row. */
const drainQuiet = { pauses: 3, pauseMs: 2 } as const;

/** A listener to which clients keep coming is closed after so long all the same. */
const maxDrainMs = 100;

/** See `Acceptor`. The constructor throws what the system said. */
export class PortableAcceptor implements Acceptor {
  readonly address: SocketAddress;
  readonly #listener: Deno.Listener;
  readonly #onError: (cause: string) => void;
  readonly #file: UnixFile | undefined;
  readonly #waiting: ((socket: Socket | undefined) => void)[] = [];
  /** Clients that `drain` has accepted and nobody has asked for yet. */
  readonly #accepted: Socket[] = [];
  #acceptedCount = 0;
  /** Settles when no accept is under way any more. */
  #pumping: Promise<void> | undefined;
  #draining = false;
  #drained: Promise<void> | undefined;
  #closed = false;
  /** Closed, and the accept that was under way then has ended: nobody else comes. */
  #ended = false;
  #disposed = false;

  constructor(address: SocketAddress, { shared, onError }: ListenOptions) {
    if (!isLiteral(address)) throw new TypeError(notAnAddress(address));
    this.#onError = onError;
    this.#listener = listen(address, shared);
    const bound = this.#listener.addr;
    this.address = bound.transport === "tcp"
      ? { kind: "tcp", host: bound.hostname, port: bound.port }
      : address;
    if (address.kind === "unix") this.#file = new UnixFile(address.path);
  }

  accept(): Promise<Socket | undefined> {
    const socket = this.#accepted.shift();
    if (socket !== undefined || this.#ended) return Promise.resolve(socket);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#closed) this.#startPump();
    });
  }

  drain(): Promise<void> {
    return this.#drained ??= this.#drain();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#close();
    for (const socket of this.#accepted.splice(0)) socket.reset();
  }

  async #drain(): Promise<void> {
    if (this.#closed) return;
    const endAt = performance.now() + maxDrainMs;
    this.#draining = true;
    this.#startPump();
    let seen = this.#acceptedCount;
    for (let quiet = 0; quiet < drainQuiet.pauses && !this.#closed && performance.now() < endAt; quiet++) {
      await new Promise((resolve) => setTimeout(resolve, drainQuiet.pauseMs));
      if (this.#acceptedCount !== seen) quiet = -1;
      seen = this.#acceptedCount;
    }
    this.#close();
    // Only then is the address free.
    await this.#pumping;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    // Deno removes the file only once the accept under way has ended, and would then remove another one bound meanwhile.
    // That accept may have a client already, who is not to be lost.
    if (this.#pumping === undefined) this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#file?.remove();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  #startPump(): void {
    this.#pumping ??= this.#pump();
  }

  /** Accepts as long as somebody waits for a client, or `drain` empties the queue. */
  async #pump(): Promise<void> {
    while (!this.#closed && (this.#waiting.length > 0 || this.#draining)) {
      const socket = await this.#acceptOne();
      if (socket !== undefined) this.#deliver(socket);
    }
    this.#pumping = undefined;
    if (this.#closed) this.#end();
  }

  #deliver(socket: Socket): void {
    this.#acceptedCount++;
    const resolve = this.#disposed ? undefined : this.#waiting.shift();
    if (this.#disposed) socket.reset();
    else if (resolve !== undefined) resolve(socket);
    else this.#accepted.push(socket);
  }

  /** The next client; undefined when the listener is closed, or none could be accepted. */
  async #acceptOne(): Promise<Socket | undefined> {
    // Not `for await`: its iterator ends for good at the first failed accept.
    try {
      return new PortableSocket(await this.#listener.accept());
    } catch (error) {
      if (this.#closed || error instanceof Deno.errors.BadResource) return undefined;
      if (isClientGone(error)) this.#onError(goneBeforeAccept);
      else {
        this.#onError(`accept: ${wordsForError(error)}`);
        await new Promise((resolve) => setTimeout(resolve, backoffMs));
      }
      return undefined;
    }
  }
}

function listen(address: SocketAddress, shared: boolean): Deno.Listener {
  try {
    if (address.kind === "unix") return Deno.listen({ transport: "unix", path: address.path });
    const options = {
      hostname: address.host,
      port: address.port,
      reusePort: shared,
      tcpBacklog: maxQueuedConnections,
    };
    return Deno.listen(options as Deno.TcpListenOptions);
  } catch (error) {
    const words = wordsForError(error);
    throw error instanceof Deno.errors.AddrInUse
      ? Object.assign(new Deno.errors.AddrInUse(words), { code: "EADDRINUSE" })
      : new Error(words, { cause: error });
  }
}

function isClientGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted;
}
