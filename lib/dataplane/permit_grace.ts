/**
 * A moment's patience with a limit that is used up. A client who has seen the end of one session connects again at once; where
 * another thread accepts him, that one may ask for a permit before the first has looked at the end and given its permit back.
 */
import type { Engine } from "../relay/engine.ts";

/** The pauses before it is asked again: a busy machine may not run the other thread for some tens of milliseconds. */
const pausesMs: readonly number[] = [1, 1, 2, 4, 8, 16, 32];

/** So many wait in a thread at a time; whoever comes besides is refused at once, for then it is no matter of a moment. */
const maxWaiting = 8;

export class PermitGrace {
  readonly #after: Engine["after"];
  #waiting = 0;

  constructor({ after }: Pick<Engine, "after">) {
    this.#after = after;
  }

  /** Asks again after each pause until the answer is yes; gives up after 64 ms, or at once where too many wait already. */
  async until(ask: () => boolean): Promise<void> {
    if (this.#waiting >= maxWaiting) return;
    this.#waiting++;
    try {
      for (const ms of pausesMs) {
        await new Promise<void>((resolve) => this.#after(ms, resolve));
        if (ask()) return;
      }
    } finally {
      this.#waiting--;
    }
  }
}
