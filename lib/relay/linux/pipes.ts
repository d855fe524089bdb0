/** Pipes that bulk transfers are spliced through, kept for the next one. */
import { ep, type Libc, so } from "./libc.ts";
import type { Reactor } from "./reactor.ts";

/** As much as one splice can move; more than 1 MiB takes privileges (fcntl(2), /proc/sys/fs/pipe-max-size). */
export const pipeBytes = 256 * 1024;

const spare = 32;

/** Pipes that nobody has wanted for so long are closed: each is two descriptors. */
const quietMs = 1_000;

export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** One for each thread. A pipe given back must be empty. */
export class Pipes implements Disposable {
  readonly #reactor: Reactor;
  readonly #libc: Libc;
  readonly #spare: Pipe[] = [];
  #takenAt = 0;
  #sweeping = false;

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
    this.#libc = reactor.libc;
  }

  /** Undefined when there are no descriptors or memory for one: then the bytes go through a buffer. */
  take(): Pipe | undefined {
    this.#takenAt = this.#reactor.now();
    const kept = this.#spare.pop();
    if (kept !== undefined) return kept;
    const ends = new Int32Array(2);
    if (this.#libc.call.pipe2(new Uint8Array(ends.buffer), so.NONBLOCK_CLOEXEC) !== 0) return undefined;
    const pipe = { read: ends[0]!, write: ends[1]! };
    this.#libc.call.fcntl(pipe.write, ep.F_SETPIPE_SZ, pipeBytes);
    return pipe;
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
      if (this.#reactor.now() - this.#takenAt >= quietMs) this[Symbol.dispose]();
      else this.#sweepLater();
    });
  }

  /** Closes the spare ones. */
  [Symbol.dispose](): void {
    for (const pipe of this.#spare.splice(0)) this.close(pipe);
  }
}
