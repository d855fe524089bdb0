/** More probes are wanted than this process gets done. */
export interface Overload {
  readonly wantedPerSecond: number;
  readonly donePerSecond: number;
}

/** So long is measured before an overload is reported. */
const windowMs = 10_000;

/** Detects that probes start so much after their time, for so long, that the intervals asked for are not kept. */
export class OverloadMeter {
  #windowStart: number | undefined;
  #done = 0;
  #delayed = 0;
  #overloaded = false;

  /**
   * Counts a probe that has ended; `delayed`: it started more than its interval after its time. Returns the probes done in a
   * second when an overload has begun: half of ten seconds' probes delayed. It is over when fewer than a tenth are.
   */
  record({ now, delayed }: { readonly now: number; readonly delayed: boolean }): number | undefined {
    this.#windowStart ??= now;
    this.#done++;
    if (delayed) this.#delayed++;
    const elapsedMs = now - this.#windowStart;
    if (elapsedMs < windowMs) return undefined;
    const share = this.#delayed / this.#done;
    const donePerSecond = this.#done / (elapsedMs / 1000);
    this.#windowStart = now;
    this.#done = 0;
    this.#delayed = 0;
    if (share < 0.1) this.#overloaded = false;
    if (share < 0.5 || this.#overloaded) return undefined;
    this.#overloaded = true;
    return donePerSecond;
  }
}
