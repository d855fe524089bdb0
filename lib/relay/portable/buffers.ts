/** Read buffers that fit the traffic: an idle session holds 4 to 16 KiB a direction, a bulk transfer 60 KiB. */

// 15 pages leave as one packet: with 16 or more the rest leaves in a small packet of its own, and what follows is cut across pages.
const sizes = [4, 16, 60].map((kib) => kib * 1024);
const maxLevel = sizes.length - 1;
const maxSparePerSize = 16;

type Bytes = Uint8Array<ArrayBuffer>;

/** Keeps a few buffers of each size for the next who needs one; one for each thread. */
export class BufferPool {
  readonly #spare: Bytes[][] = sizes.map(() => []);

  acquire(level: number): Bytes {
    return this.#spare[level]?.pop() ?? new Uint8Array(sizes[level] ?? 0);
  }

  release(level: number, buffer: Bytes): void {
    const spare = this.#spare[level];
    if (spare !== undefined && spare.length < maxSparePerSize) spare.push(buffer);
  }
}

/**
 * The buffer of one direction. A read that fills it makes it grow, a read that does not makes it small again at
 * once: the next read may wait for hours, and a buffer in use cannot be exchanged. A transfer that goes on climbs back
 * in one step to the size it had.
 */
export class ReadBuffer implements Disposable {
  readonly #pool: BufferPool;
  #level = 0;
  #peak = 0;
  #bytes: Bytes;

  constructor(pool: BufferPool) {
    this.#pool = pool;
    this.#bytes = pool.acquire(0);
  }

  /** The buffer to read into now; what it held before is lost with the next read. */
  get bytes(): Bytes {
    return this.#bytes;
  }

  /** Adapts its size to how many bytes the last read got; call it once they have been used. */
  adapt(read: number): void {
    const level = this.#levelAfter(read);
    if (level === this.#level) return;
    this.#pool.release(this.#level, this.#bytes);
    this.#bytes = this.#pool.acquire(level);
    this.#level = level;
  }

  /** Gives the buffer back; no read may be in flight. */
  [Symbol.dispose](): void {
    this.#pool.release(this.#level, this.#bytes);
    this.#bytes = new Uint8Array(0);
  }

  #levelAfter(read: number): number {
    if (read === this.#bytes.length) {
      const level = Math.min(maxLevel, Math.max(this.#level + 1, this.#peak));
      this.#peak = level;
      return level;
    }
    this.#peak = this.#level;
    return read < (sizes[0] ?? 0) ? 0 : Math.min(1, this.#level);
  }
}
