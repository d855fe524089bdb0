/** Pipes that bulk transfers are spliced through, kept for the next one. */
import { type Libc, pipeConstants } from "./libc.ts";
import type { Reactor } from "./reactor.ts";

/**
 * As much as one packet of the kernel's carries until the network card cuts it into segments: 64 KiB less room for headers
 * (sk_gso_max_size, tcp_xmit_size_goal in Linux).
 */
export const defaultPacketBytes = 65_536 - 320 - 1;

const pageBytes = 4_096;

/**
 * So many packets are moved at a time where a segment fills one. On an AMD EPYC one at a time takes 29 % more CPU for a MiB than
 * two, three or four; on an Intel Xeon four take 15 % more than one.
 */
const wholePackets = 2;

const maxSparePipes = 32;

/** Spare pipes are closed when no pipe was wanted for so long: each is two descriptors. */
const idleMs = 1_000;

export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** The pipes of one thread. */
export class Pipes implements Disposable {
  readonly #packetBytes: number;
  /** How much there is room for in each. */
  readonly #pipeBytes: number;
  readonly #libc: Libc;
  readonly #reactor: Reactor;
  readonly #spare: Pipe[] = [];
  #acquiredAt = 0;
  #refusedAt = -Infinity;
  #sweeping = false;

  constructor(reactor: Reactor, packetBytes: number) {
    this.#packetBytes = packetBytes;
    this.#pipeBytes = wholePackets * packetBytes;
    this.#libc = reactor.libc;
    this.#reactor = reactor;
  }

  /**
   * As much as is best moved through a pipe at a time to a connection whose segments have so many bytes (0 = unknown): one
   * packet of whole segments, or some of whole pages where a segment fills a packet. What is left over would leave in a small
   * packet of its own, and what follows would be cut across segments or pages, which costs a quarter to a half more.
   */
  chunkBytes(segmentBytes: number): number {
    const packetBytes = this.#packetBytes;
    if (segmentBytes > 0 && 2 * segmentBytes <= packetBytes) return wholeUnits(packetBytes, segmentBytes);
    return wholePackets * wholeUnits(packetBytes, pageBytes);
  }

  /** Undefined when there are no descriptors or memory for one: then the bytes go through a buffer. */
  acquire(): Pipe | undefined {
    const { nowMs } = this.#reactor;
    this.#acquiredAt = nowMs;
    const spare = this.#spare.pop();
    if (spare !== undefined || nowMs - this.#refusedAt < idleMs) return spare;
    const pipe = this.#make();
    if (pipe === undefined) this.#refusedAt = nowMs;
    return pipe;
  }

  #make(): Pipe | undefined {
    const { call } = this.#libc;
    const { NONBLOCK_CLOEXEC, F_GETPIPE_SZ, F_SETPIPE_SZ } = pipeConstants;
    const ends = new Int32Array(2);
    if (call.pipe2(new Uint8Array(ends.buffer), NONBLOCK_CLOEXEC) !== 0) return undefined;
    const pipe = { read: ends[0]!, write: ends[1]! };
    // A user whose share of pipe memory is used up gets pipes of two pages, which stay so (pipe(7)): a buffer is better.
    const ownBytes = call.fcntl(pipe.write, F_GETPIPE_SZ, 0);
    if (ownBytes >= this.#pipeBytes) return pipe;
    if (Math.max(ownBytes, call.fcntl(pipe.write, F_SETPIPE_SZ, this.#pipeBytes)) >= this.#packetBytes) {
      return pipe;
    }
    this.close(pipe);
    return undefined;
  }

  /** Takes back a pipe, which must be empty. */
  release(pipe: Pipe): void {
    if (this.#spare.length >= maxSparePipes) return this.close(pipe);
    this.#spare.push(pipe);
    this.#sweepLater();
  }

  /** For a pipe that still holds bytes of a session that is over. */
  close({ read, write }: Pipe): void {
    this.#libc.call.close(read);
    this.#libc.call.close(write);
  }

  #sweepLater(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#reactor.after(idleMs, () => {
      this.#sweeping = false;
      if (this.#reactor.nowMs - this.#acquiredAt >= idleMs) this[Symbol.dispose]();
      else this.#sweepLater();
    });
  }

  /** Closes the spare ones. */
  [Symbol.dispose](): void {
    for (const pipe of this.#spare.splice(0)) this.close(pipe);
  }
}

/** The most that whole units make of so many bytes; all of them where there is no whole unit in them. */
function wholeUnits(bytes: number, unit: number): number {
  return Math.floor(bytes / unit) * unit || bytes;
}
