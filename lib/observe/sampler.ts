/** Bounds how many similar lines the log gets, and reports how many were left out. */

const windowMs = 1_000;

export interface LogSamplerOptions {
  /** So many lines of a kind are admitted in each second. */
  readonly maxPerSecond: number;
  /** Called once the second is over, for each kind of which lines were suppressed. */
  readonly onSuppressed: (kind: string, count: number) => void;
}

/** Admits a number of lines of each kind in each second and counts the rest. Dispose it to have the last counts reported. */
export class LogSampler implements Disposable {
  readonly #options: LogSamplerOptions;
  /** How many lines of each kind there were in the second that runs. */
  readonly #counts = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LogSamplerOptions) {
    this.#options = options;
  }

  /** Whether a line of this kind is to be written now. There must not be many kinds: each is kept for a second. */
  admit(kind: string): boolean {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    this.#timer ??= setTimeout(() => this.#endWindow(), windowMs);
    return count <= this.#options.maxPerSecond;
  }

  /** Reports what was suppressed so far and stops the timer. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#endWindow();
  }

  #endWindow(): void {
    this.#timer = undefined;
    const { maxPerSecond, onSuppressed } = this.#options;
    for (const [kind, count] of this.#counts) {
      if (count > maxPerSecond) onSuppressed(kind, count - maxPerSecond);
    }
    this.#counts.clear();
  }
}
