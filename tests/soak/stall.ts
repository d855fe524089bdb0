/** How long this machine kept a thread waiting that only wanted a moment: what of a figure may be the machine's. */

const tickMs = 10;

/** Watches from its construction on. Dispose it to have its timer stopped. */
export class StallWatch implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  #lastAtMs = performance.now();
  #worstMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), tickMs);
  }

  /** The longest wait so far, in milliseconds. */
  get worstMs(): number {
    this.#look();
    return this.#worstMs;
  }

  #look(): void {
    const now = performance.now();
    this.#worstMs = Math.max(this.#worstMs, now - this.#lastAtMs - tickMs);
    this.#lastAtMs = now;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
