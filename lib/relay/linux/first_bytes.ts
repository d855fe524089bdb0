/** What a session does with a socket before the relay: peeks at its first bytes, skips some of them, writes some. */
import { maxPeekBytes, type Peeked, type PeekOptions, type WriteOptions, type Written } from "../engine.ts";
import { errno, socketConstants } from "./libc.ts";
import type { Task } from "./reactor.ts";
import type { LinuxSocket } from "./socket.ts";
import type { Timer } from "./timers.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** For calls that are made and used up at once. */
const scratch = new Uint8Array(maxPeekBytes);

interface RetryOptions<T> {
  readonly timeoutMs: number;
  /** Undefined while the socket has to be waited for. */
  readonly attempt: () => T | undefined;
  readonly onTimeout: () => T;
}

/** Tries something at each event of a socket, which it owns meanwhile, until there is an answer or the time is up. */
class Retry<T> implements Task, Timer {
  readonly answer: Promise<T>;
  queued = false;
  dueAt = 0;
  heapIndex = -1;
  readonly #socket: LinuxSocket;
  readonly #options: RetryOptions<T>;
  readonly #resolve: (answer: T) => void;
  readonly #reject: (error: unknown) => void;

  constructor(socket: LinuxSocket, options: RetryOptions<T>) {
    if (socket.owner !== undefined) throw new Error("a socket is used by two at once");
    this.#socket = socket;
    this.#options = options;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    socket.owner = this;
    if (options.timeoutMs !== Infinity) socket.reactor.schedule(this, options.timeoutMs);
  }

  run(): void {
    if (this.#socket.owner !== this) return;
    const answer = this.#options.attempt();
    if (answer !== undefined) this.#finish(answer);
  }

  fire(): void {
    this.#finish(this.#options.onTimeout());
  }

  /** A fault in the program, for whoever waits for the answer. */
  fail(error: unknown): void {
    this.#release();
    this.#reject(error);
  }

  #finish(answer: T): void {
    this.#release();
    this.#resolve(answer);
  }

  #release(): void {
    const { reactor } = this.#socket;
    reactor.cancel(this);
    this.#socket.owner = undefined;
    reactor.microtasksPending = true;
  }
}

function retry<T>(socket: LinuxSocket, options: RetryOptions<T>): Promise<T> {
  const answer = options.attempt();
  return answer === undefined ? new Retry(socket, options).answer : Promise.resolve(answer);
}

/** See `Socket.peek`. */
export function peek(socket: LinuxSocket, { minBytes, timeoutMs }: PeekOptions): Promise<Peeked> {
  if (!(minBytes >= 1 && minBytes <= maxPeekBytes)) {
    throw new RangeError(`peek of ${minBytes} bytes: 1 to ${maxPeekBytes} can be had`);
  }
  const peekNow = (): Peeked | Uint8Array<ArrayBuffer> => {
    const bytes = firstBytes(socket);
    if (bytes === undefined) return { kind: "gone" };
    if (bytes.length >= minBytes) return { kind: "bytes", bytes };
    // The kernel reports a FIN once everything before it is there, and shows nothing behind an urgent byte's mark.
    return socket.hungUp || socket.urgent ? { kind: "end", bytes } : bytes;
  };
  return retry<Peeked>(socket, {
    timeoutMs,
    attempt() {
      const seen = peekNow();
      return seen instanceof Uint8Array ? undefined : seen;
    },
    onTimeout() {
      const seen = peekNow();
      return seen instanceof Uint8Array ? { kind: "timeout", bytes: seen } : seen;
    },
  });
}

/** What is there to be read, and stays there; undefined when the connection is gone. */
function firstBytes(socket: LinuxSocket): Bytes | undefined {
  const { call, errno: lastErrno } = socket.reactor.libc;
  while (!socket.isGone) {
    const size = call.recv(socket.descriptor, scratch, scratch.length, socketConstants.MSG_PEEK);
    if (size > scratch.length) throw new Error(`recv gave ${size} of ${scratch.length} bytes`);
    if (size === 0) socket.hungUp = true;
    if (size >= 0) return scratch.slice(0, size);
    const number = lastErrno();
    if (number === errno.EAGAIN) return new Uint8Array(0);
    if (number !== errno.EINTR) socket.markFailed();
  }
  return undefined;
}

/** Takes the first bytes, which must be there, out of what there is to be read. */
export function consume(socket: LinuxSocket, bytes: number): void {
  const { call, errno: lastErrno } = socket.reactor.libc;
  for (let left = bytes; left > 0 && !socket.isGone;) {
    const size = call.recv(socket.descriptor, scratch, Math.min(left, scratch.length), 0);
    if (size > 0) left -= size;
    else if (size === 0) throw new Error(`${left} bytes that were peeked are not there`);
    else if (lastErrno() !== errno.EINTR) socket.markFailed();
  }
}

/** See `Socket.write`. */
export function write(socket: LinuxSocket, bytes: Bytes, { timeoutMs }: WriteOptions): Promise<Written> {
  const { call, errno: lastErrno } = socket.reactor.libc;
  let sentBytes = 0;
  const attempt = (): Written | undefined => {
    while (sentBytes < bytes.length) {
      if (socket.isGone) return "gone";
      if (!socket.writable) return undefined;
      const rest = bytes.subarray(sentBytes);
      if (socket.sends !== "undelayed") socket.noteSend();
      const sent = call.send(socket.descriptor, rest, rest.length, socketConstants.MSG_NOSIGNAL);
      if (sent > rest.length) throw new Error(`send took ${sent} of ${rest.length} bytes`);
      if (sent >= 0) sentBytes += sent;
      else if (lastErrno() === errno.EAGAIN) socket.writable = false;
      else if (lastErrno() !== errno.EINTR) socket.markFailed();
    }
    return socket.isGone ? "gone" : "written";
  };
  return retry(socket, { timeoutMs, attempt, onTimeout: () => "timeout" });
}
