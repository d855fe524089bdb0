/** Bytes on their way: bounded queues of them, and what every sender says. */

type Bytes = Uint8Array<ArrayBuffer>;

/** A ring of bytes with room for so many. */
export class ByteQueue {
  readonly capacity: number;
  length = 0;
  readonly #bytes: Bytes;
  #start = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#bytes = new Uint8Array(capacity);
  }

  get free(): number {
    return this.capacity - this.length;
  }

  clear(): void {
    this.length = 0;
  }

  /** Puts bytes behind the others; there must be room. */
  push(from: Bytes, size: number): void {
    const bytes = this.#bytes;
    let at = (this.#start + this.length) % this.capacity;
    for (let index = 0; index < size; index++) {
      bytes[at] = from[index]!;
      if (++at === this.capacity) at = 0;
    }
    this.length += size;
  }

  /** Copies the first bytes, which stay; there must be so many. */
  peek(to: Bytes, size: number): void {
    for (let index = 0; index < size; index++) {
      to[index] = this.#bytes[(this.#start + index) % this.capacity]!;
    }
  }

  /** Takes the first bytes out; there must be so many. */
  shift(to: Bytes, size: number): void {
    const bytes = this.#bytes;
    let at = this.#start;
    for (let index = 0; index < size; index++) {
      to[index] = bytes[at]!;
      if (++at === this.capacity) at = 0;
    }
    this.#start = at;
    this.length -= size;
  }
}

const scratch = new Uint8Array(65_536);

/** Moves the first bytes of one queue behind those of another. */
export function transfer(from: ByteQueue, to: ByteQueue, size: number): void {
  from.shift(scratch, size);
  to.push(scratch, size);
}

const pattern = (() => {
  const bytes = new Uint8Array(8_192);
  let state = 0x2545f491;
  for (let index = 0; index < bytes.length; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    bytes[index] = state >>> 16;
  }
  return bytes;
})();

/** The byte that the sender number `who` has at `offset`. */
export function byteAt(who: number, offset: number): number {
  return pattern[(who * 1_237 + offset + (offset >> 13)) & 8_191]!;
}
