/** Reads from a client while its target is still being connected to, so that a client that is cut meanwhile is noticed. */

/** So much is read at most; a client that has sent more is not watched any further. */
const mostBytes = 2_048;

type Bytes = Uint8Array<ArrayBuffer>;

/** What a connection sends before anybody takes it; hands it over in order. */
export class ReadAhead {
  readonly #read: (into: Bytes) => Promise<number | null>;
  readonly #bytes = new Uint8Array(mostBytes);
  #size = 0;
  #taken = 0;
  #pending: Promise<number | null>;
  #onCut: (() => void) | undefined;
  #wasCut = false;
  #over = false;

  /** Begins to read. */
  constructor(read: (into: Bytes) => Promise<number | null>) {
    this.#read = read;
    this.#pending = this.#next();
    this.#watch();
  }

  /** Calls back once when the connection is cut, at once if it was already; in place of who was to be called before. */
  onCut(callback: () => void): void {
    this.#onCut = callback;
    if (this.#wasCut) callback();
  }

  /** The connection is cut from this side. */
  cut(): void {
    if (this.#wasCut) return;
    this.#wasCut = true;
    this.#onCut?.();
  }

  /**
   * Puts what was read ahead into `into`; null at the end of input, undefined when there is no more. Throws when the
   * connection was cut. From the first call on nothing more is read ahead.
   */
  async take(into: Bytes): Promise<number | null | undefined> {
    this.#over = true;
    // The last read has been settled long since, or it is under way and its bytes are the next.
    if (this.#taken === this.#size && await this.#pending === null) return null;
    const bytes = this.#bytes.subarray(this.#taken, Math.min(this.#size, this.#taken + into.length));
    into.set(bytes);
    this.#taken += bytes.length;
    return bytes.length > 0 ? bytes.length : undefined;
  }

  async #next(): Promise<number | null> {
    const read = await this.#read(this.#bytes.subarray(this.#size));
    if (read !== null) this.#size += read;
    return read;
  }

  async #watch(): Promise<void> {
    try {
      while (await this.#pending !== null && !this.#over && this.#size < mostBytes) {
        this.#pending = this.#next();
      }
    } catch {
      this.cut();
    }
  }
}
