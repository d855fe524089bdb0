/** Pipes that bulk transfers are spliced through, kept for the next one. */
import { ep, type Libc, so } from "./libc.ts";
import type { Reactor } from "./reactor.ts";

/**
 * What leaves as one packet: 15 pages. A packet takes 64 KiB with its headers, so 16 pages leave as one and a scrap, and
 * what follows is cut across pages from then on, which costs a third and more.
 */
const packetBytes = 15 * 4_096;

/** So much, rounded up to a power of two of pages, is asked for; above 1 MiB it takes privileges (pipe(7)). */
const pipeBytes = 4 * packetBytes;

/** What a pipe has by itself. */
const usualBytes = 16 * 4_096;

const spare = 32;

/** Pipes that nobody has wanted for so long are closed: each is two descriptors. */
const quietMs = 1_000;

export interface Pipe {
  readonly read: number;
  readonly write: number;
  /** How much one splice is to move: as many whole packets as there is room for. */
  readonly chunkBytes: number;
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
    const [read, write] = ends as unknown as [number, number];
    // Refused to whoever has used up a share of pipe memory.
    const size = this.#libc.call.fcntl(write, ep.F_SETPIPE_SZ, pipeBytes);
    const packets = Math.floor((size < 0 ? usualBytes : size) / packetBytes);
    return { read, write, chunkBytes: packets * packetBytes };
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
