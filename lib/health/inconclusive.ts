/** Which targets' newest probes were inconclusive, so that one cause that concerns thousands is reported once. */
export class InconclusiveCauses {
  readonly #causeOf = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** Notes a target's cause; true when no other target has it now: the cause is new. */
  note(key: string, cause: string): boolean {
    if (this.#causeOf.get(key) === cause) return false;
    this.clear(key);
    this.#causeOf.set(key, cause);
    const count = this.#counts.get(cause) ?? 0;
    this.#counts.set(cause, count + 1);
    return count === 0;
  }

  /** A probe of the target was conclusive, or the target is gone. */
  clear(key: string): void {
    const cause = this.#causeOf.get(key);
    if (cause === undefined) return;
    this.#causeOf.delete(key);
    const left = (this.#counts.get(cause) ?? 1) - 1;
    if (left > 0) this.#counts.set(cause, left);
    else this.#counts.delete(cause);
  }
}
