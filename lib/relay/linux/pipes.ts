/** Pipes that bulk transfers are spliced through, kept for the next one. */
import { ep, type Libc, so } from "./libc.ts";
import type { Reactor } from "./reactor.ts";

/**
 * As much as is moved through a pipe at a time: four packets. 15 pages leave as one packet; 16 leave as one and a scrap,
 * because a packet takes 64 KiB with its headers, and what follows is cut across pages from then on, which costs a third
 * and more.
 */
export const usualChunkBytes = 4 * 15 * 4_096;

const spare = 32;

/** Pipes that nobody has wanted for so long are closed: each is two descriptors. */
const quietMs = 1_000;

export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** One for each thread. A pipe given back must be empty. */
export class Pipes implements Disposable {
  /** How much there is room for in each. */
  readonly chunkBytes: number;
  readonly #libc: Libc;
  readonly #reactor: Reactor;
  readonly #spare: Pipe[] = [];
  #takenAt = 0;
  #refusedAt = -Infinity;
  #sweeping = false;

  constructor(reactor: Reactor, chunkBytes: number) {
    this.chunkBytes = chunkBytes;
    this.#libc = reactor.libc;
    this.#reactor = reactor;
  }

  /** Undefined when there are no descriptors or memory for one: then the bytes go through a buffer. */
  take(): Pipe | undefined {
    const { nowMs } = this.#reactor;
    this.#takenAt = nowMs;
    const kept = this.#spare.pop();
    if (kept !== undefined || nowMs - this.#refusedAt < quietMs) return kept;
    const pipe = this.#make();
    if (pipe === undefined) this.#refusedAt = nowMs;
    return pipe;
  }

  #make(): Pipe | undefined {
    const { call } = this.#libc;
    const ends = new Int32Array(2);
    if (call.pipe2(new Uint8Array(ends.buffer), so.NONBLOCK_CLOEXEC) !== 0) return undefined;
    const pipe = { read: ends[0]!, write: ends[1]! };
    // Who has used up a share of pipe memory gets pipes of two pages, which stay so (pipe(7)): a buffer is better.
    const isLarge = call.fcntl(pipe.write, ep.F_GETPIPE_SZ, 0) >= this.chunkBytes ||
      call.fcntl(pipe.write, ep.F_SETPIPE_SZ, this.chunkBytes) >= this.chunkBytes;
    if (isLarge) return pipe;
    this.close(pipe);
    return undefined;
  }

  giveBack(pipe: Pipe): void {
    if (this.#spare.length >= spare) return this.close(pipe);
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
    this.#reactor.after(quietMs, () => {
      this.#sweeping = false;
      if (this.#reactor.nowMs - this.#takenAt >= quietMs) this[Symbol.dispose]();
      else this.#sweepLater();
    });
  }

  /** Closes the spare ones. */
  [Symbol.dispose](): void {
    for (const pipe of this.#spare.splice(0)) this.close(pipe);
  }
}
