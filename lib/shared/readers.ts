import type { SharedMemory } from "./layout.ts";

/** Of a thread that uses no revision: it does not run. */
const usesNone = 2 ** 31 - 1;

/**
 * Which revisions are still in use: each thread writes the oldest one that a session or a bind of its own may still read.
 *
 * What a revision has retired (a slot) may be given to somebody else once every thread is past the revisions before it.
 */
export class Readers {
  readonly #oldest: Int32Array;

  constructor({ readers }: Pick<SharedMemory, "readers">) {
    this.#oldest = readers;
  }

  /** Says that a thread uses `revision` and perhaps later ones, and none before it. */
  set(thread: number, revision: number): void {
    Atomics.store(this.#oldest, thread, revision);
  }

  /** Says that a thread uses none: it has not started yet, or is dead. */
  leave(thread: number): void {
    Atomics.store(this.#oldest, thread, usesNone);
  }

  /** Whether every thread is past the revisions before `revision`. */
  arePast(revision: number): boolean {
    for (let thread = 0; thread < this.#oldest.length; thread++) {
      if (Atomics.load(this.#oldest, thread) < revision) return false;
    }
    return true;
  }
}
