/** A bound on how many do something at the same time. */

/** Counts permits. Those who wait get one in the order in which they came. */
export class Semaphore {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(permits: number) {
    this.#free = permits;
  }

  /** Resolves with a permit, to be disposed once; with undefined, and nothing held, when `signal` aborts before. Never rejects. */
  acquire(signal: AbortSignal): Promise<Disposable | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(this.#permit());
    }
    return new Promise((resolve) => {
      const grant = () => {
        signal.removeEventListener("abort", giveUp);
        resolve(this.#permit());
      };
      const giveUp = () => {
        this.#waiting.delete(grant);
        signal.removeEventListener("abort", giveUp);
        resolve(undefined);
      };
      this.#waiting.add(grant);
      signal.addEventListener("abort", giveUp);
    });
  }

  #permit(): Disposable {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        const [next] = this.#waiting;
        if (next === undefined) this.#free++;
        else {
          this.#waiting.delete(next);
          next();
        }
      },
    };
  }
}
