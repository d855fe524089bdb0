/** A queue of log lines in shared memory: one thread appends, another takes. Neither needs its event loop for it. */

/** The positions of the header's words. Counters of bytes are never set back and wrap at 2^32; the queue's size divides that. */
const word = {
  /** Bytes appended since the beginning. Written by the thread that appends. */
  appended: 0,
  /** Bytes taken since the beginning. Written by the thread that takes. */
  taken: 1,
  /** Lines that had no room or could not be written, and are not reported yet. */
  lost: 2,
  /** Goes up with each call of `wake`. */
  wakeups: 3,
  /** What `wakeups` was when the thread that takes had done all there was to do. */
  handled: 4,
  closed: 5,
} as const;

const headerBytes = Object.keys(word).length * Int32Array.BYTES_PER_ELEMENT;

/** Lines that wait take this much memory at most. */
const defaultBytes = 4 * 1024 * 1024;

const lineFeed = 10;

/** Holds whole lines only, each ended by a line feed. */
export class LineRing {
  readonly #header: Int32Array;
  readonly #bytes: Uint8Array;

  /** `memory` comes from `LineRing.allocate`, in this thread or in another. */
  constructor(memory: SharedArrayBuffer) {
    this.#header = new Int32Array(memory, 0, headerBytes / Int32Array.BYTES_PER_ELEMENT);
    this.#bytes = new Uint8Array(memory, headerBytes);
  }

  /** `bytes` must be a power of two. */
  static allocate(bytes = defaultBytes): SharedArrayBuffer {
    return new SharedArrayBuffer(headerBytes + bytes);
  }

  /** Bytes that wait. */
  get waiting(): number {
    return (this.#load("appended") - this.#load("taken")) >>> 0;
  }

  /** Lines lost and not reported yet. */
  get lost(): number {
    return this.#load("lost");
  }

  /** Bytes taken so far, modulo 2^32: moves while lines get out. */
  get taken(): number {
    return this.#load("taken");
  }

  /** Whether everything before the newest `wake` was written, or tried and counted as lost. */
  get isFlushed(): boolean {
    return this.#load("handled") === this.#load("wakeups");
  }

  /** Appends whole lines; false = `keepFree` bytes would not be left behind them, and nothing was appended. */
  append(lines: Uint8Array, keepFree = 0): boolean {
    if (this.waiting + lines.length + keepFree > this.#bytes.length) return false;
    const appended = this.#load("appended");
    const at = this.#index(appended);
    const room = this.#bytes.length - at;
    this.#bytes.set(lines.length > room ? lines.subarray(0, room) : lines, at);
    if (lines.length > room) this.#bytes.set(lines.subarray(room), 0);
    Atomics.store(this.#header, word.appended, (appended + lines.length) | 0);
    return true;
  }

  /** Wakes the thread that takes. */
  wake(): void {
    Atomics.add(this.#header, word.wakeups, 1);
    Atomics.notify(this.#header, word.wakeups);
  }

  /** Nothing is appended any more; `waitForLines` returns false once all is taken. */
  close(): void {
    Atomics.store(this.#header, word.closed, 1);
    this.wake();
  }

  /** Waits until there are lines to write or to report as lost; false = closed. Blocks the thread. */
  waitForLines(): boolean {
    for (;;) {
      const wakeups = this.#load("wakeups");
      if (this.waiting > 0) return true;
      Atomics.store(this.#header, word.handled, wakeups);
      if (this.#load("closed") === 1) return false;
      Atomics.wait(this.#header, word.wakeups, wakeups);
    }
  }

  /** A copy of the oldest bytes, at most so many. */
  peek(maxBytes: number): Uint8Array<ArrayBuffer> {
    const at = this.#index(this.#load("taken"));
    const bytes = new Uint8Array(Math.min(this.waiting, maxBytes));
    const first = this.#bytes.subarray(at, at + bytes.length);
    bytes.set(first);
    bytes.set(this.#bytes.subarray(0, bytes.length - first.length), first.length);
    return bytes;
  }

  /** Takes the oldest bytes out. */
  take(bytes: number): void {
    Atomics.store(this.#header, word.taken, (this.#load("taken") + bytes) | 0);
  }

  /** Takes every line out that is there now, as lost. A line of which a part was taken before counts. */
  discard(): void {
    for (let rest = this.waiting; rest > 0;) {
      const bytes = this.peek(rest);
      this.addLost(countLines(bytes));
      this.take(bytes.length);
      rest -= bytes.length;
    }
  }

  addLost(lines: number): void {
    Atomics.add(this.#header, word.lost, lines);
  }

  #load(name: keyof typeof word): number {
    return Atomics.load(this.#header, word[name]);
  }

  #index(counter: number): number {
    return (counter >>> 0) % this.#bytes.length;
  }
}

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) count++;
  return count;
}
