/** Keeps a flood of like lines out of the log without hiding that it happened. */

const windowMs = 1_000;

/** Lets so many of a kind through in each second and sums up the rest once the second is over. */
export class FloodGate implements Disposable {
  readonly #perSecond: number;
  readonly #onHeldBack: (kind: string, count: number) => void;
  readonly #seen = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: { perSecond: number; onHeldBack: (kind: string, count: number) => void }) {
    this.#perSecond = options.perSecond;
    this.#onHeldBack = options.onHeldBack;
  }

  /** Whether a line of this kind is to be written now. There must not be many kinds: each is kept for a second. */
  admit(kind: string): boolean {
    const seen = (this.#seen.get(kind) ?? 0) + 1;
    this.#seen.set(kind, seen);
    this.#timer ??= setTimeout(() => this.#sumUp(), windowMs);
    return seen <= this.#perSecond;
  }

  /** Tells what was held back so far and stops the timer. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#sumUp();
  }

  #sumUp(): void {
    this.#timer = undefined;
    for (const [kind, seen] of this.#seen) {
      if (seen > this.#perSecond) this.#onHeldBack(kind, seen - this.#perSecond);
    }
    this.#seen.clear();
  }
}
