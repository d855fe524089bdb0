/** More probes are wanted than this process gets done. */
export interface Overload {
  readonly wantedPerSecond: number;
  readonly donePerSecond: number;
}

/** So long is looked at before anything is said. */
const windowMs = 10_000;

/** Tells when probes start so late, for so long, that the intervals asked for are not kept. */
export class OverloadMeter {
  #windowStart: number | undefined;
  #done = 0;
  #late = 0;
  #overloaded = false;

  /**
   * Counts a probe that has ended; `late`: it started more than its interval after its time. Returns the probes done in a
   * second when an overload has begun: half of ten seconds' probes late. It is over when fewer than a tenth are.
   */
  record({ now, late }: { readonly now: number; readonly late: boolean }): number | undefined {
    this.#windowStart ??= now;
    this.#done++;
    if (late) this.#late++;
    const elapsedMs = now - this.#windowStart;
    if (elapsedMs < windowMs) return undefined;
    const share = this.#late / this.#done;
    const donePerSecond = this.#done / (elapsedMs / 1000);
    this.#windowStart = now;
    this.#done = 0;
    this.#late = 0;
    if (share < 0.1) this.#overloaded = false;
    if (share < 0.5 || this.#overloaded) return undefined;
    this.#overloaded = true;
    return donePerSecond;
  }
}
