/** Pipes that bulk transfers are spliced through, kept for the next one. */
import { ep, type Libc, so } from "./libc.ts";

/** As much as one splice can move; more than 1 MiB takes privileges (fcntl(2), /proc/sys/fs/pipe-max-size). */
export const pipeBytes = 256 * 1024;

const spare = 32;

export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** One for each thread. A pipe given back must be empty. */
export class Pipes implements Disposable {
  readonly #libc: Libc;
  readonly #spare: Pipe[] = [];

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Undefined when there are no descriptors or memory for one: then the bytes go through a buffer. */
  take(): Pipe | undefined {
    const kept = this.#spare.pop();
    if (kept !== undefined) return kept;
    const ends = new Int32Array(2);
    if (this.#libc.call.pipe2(new Uint8Array(ends.buffer), so.NONBLOCK_CLOEXEC) !== 0) return undefined;
    const pipe = { read: ends[0]!, write: ends[1]! };
    this.#libc.call.fcntl(pipe.write, ep.F_SETPIPE_SZ, pipeBytes);
    return pipe;
  }

  giveBack(pipe: Pipe): void {
    if (this.#spare.length < spare) this.#spare.push(pipe);
    else this.close(pipe);
  }

  /** For a pipe that still holds bytes of a session that is over. */
  close({ read, write }: Pipe): void {
    this.#libc.call.close(read);
    this.#libc.call.close(write);
  }

  [Symbol.dispose](): void {
    for (const pipe of this.#spare.splice(0)) this.close(pipe);
  }
}
