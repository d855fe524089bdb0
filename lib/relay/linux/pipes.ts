/** Pipes that bulk transfers are spliced through, kept for the next one. */
import { type Libc, so } from "./libc.ts";
import type { Reactor } from "./reactor.ts";

/**
 * As much as one splice is to move: 15 pages. A packet takes 64 KiB with its headers, so 16 pages leave as one packet and
 * a scrap, and what follows is cut across pages from then on. A pipe has room for 16 pages by itself (pipe(7)), so its size
 * need not be set, and no user's share of pipe memory is used up.
 */
export const chunkBytes = 15 * 4_096;

const spare = 32;

/** Pipes that nobody has wanted for so long are closed: each is two descriptors. */
const quietMs = 1_000;

export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** One for each thread. A pipe given back must be empty. */
export class Pipes implements Disposable {
  readonly #libc: Libc;
  readonly #reactor: Reactor;
  readonly #spare: Pipe[] = [];
  #takenAt = 0;
  #sweeping = false;

  constructor(reactor: Reactor) {
    this.#libc = reactor.libc;
    this.#reactor = reactor;
  }

  /** Undefined when there are no descriptors or memory for one: then the bytes go through a buffer. */
  take(): Pipe | undefined {
    this.#takenAt = this.#reactor.nowMs;
    const kept = this.#spare.pop();
    if (kept !== undefined) return kept;
    const ends = new Int32Array(2);
    if (this.#libc.call.pipe2(new Uint8Array(ends.buffer), so.NONBLOCK_CLOEXEC) !== 0) return undefined;
    return { read: ends[0]!, write: ends[1]! };
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
