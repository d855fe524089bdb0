/** Reads from a connection before its relay, so that its first bytes can be examined and a reset is noticed. */
import { maxPeekBytes, type Peeked, type PeekOptions } from "../engine.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** So much is kept at most where nobody has asked for more; a connection that has sent more is not watched any further. */
const keptBytes = 2_048;

/** What a connection sends before its relay; hands it over in order. */
export class ReadAhead {
  readonly #read: (into: Bytes) => Promise<number | null>;
  /** What a read under way writes into; what it brought is copied behind the kept bytes. */
  readonly #buffer = new Uint8Array(keptBytes);
  #kept: Bytes = new Uint8Array(0);
  #limitBytes = keptBytes;
  #peekedBytes = 0;
  /** The read under way. It never rejects. */
  #reading: Promise<void> | undefined;
  #state: "open" | "ended" | "gone" = "open";
  #handedOver = false;
  #onChange: (() => void) | undefined;
  readonly #goneCallbacks = new Set<() => void>();

  /** Reads by `read`, from the first call of a method on. */
  constructor(read: (into: Bytes) => Promise<number | null>) {
    this.#read = read;
  }

  /** See `Socket.whenGone`. */
  whenGone(callback: () => void): () => void {
    const once = () => void (this.#goneCallbacks.delete(once) && callback());
    this.#goneCallbacks.add(once);
    if (this.#state === "gone") void Promise.resolve().then(once);
    this.#readOn();
    return () => void this.#goneCallbacks.delete(once);
  }

  /** The connection is gone: reset, or closed from this side. */
  markGone(): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.#onChange?.();
    // As promises: what one throws is no fault of whoever found the connection gone, and comes out as an unhandled rejection.
    for (const once of this.#goneCallbacks) void Promise.resolve().then(once);
  }

  /** See `Socket.peek`. */
  async peek({ minBytes, timeoutMs }: PeekOptions): Promise<Peeked> {
    if (!(minBytes >= 1 && minBytes <= maxPeekBytes)) {
      throw new RangeError(`peek of ${minBytes} bytes: 1 to ${maxPeekBytes} can be had`);
    }
    this.#limitBytes = Math.max(this.#limitBytes, minBytes);
    const inTime = await this.#waitUntil(
      () => this.#state !== "open" || this.#kept.length >= minBytes,
      timeoutMs,
    );
    this.#peekedBytes = 0;
    if (this.#state === "gone") return { kind: "gone" };
    const bytes = this.#kept.slice(0, maxPeekBytes);
    this.#peekedBytes = bytes.length;
    if (bytes.length >= minBytes) return { kind: "bytes", bytes };
    return { kind: inTime ? "end" : "timeout", bytes };
  }

  /** See `Socket.skip`. */
  skip(bytes: number): void {
    if (bytes > this.#peekedBytes) throw new RangeError(`skip ${bytes} of ${this.#peekedBytes} peeked bytes`);
    this.#peekedBytes -= bytes;
    this.#kept = this.#kept.subarray(bytes);
    this.#readOn();
  }

  /**
   * Puts what was read ahead into `into`; null at the end of input, undefined when there is no more. Throws when the
   * connection is gone. From the first call on nothing more is read ahead.
   */
  async take(into: Bytes): Promise<number | null | undefined> {
    this.#handedOver = true;
    // A read under way brings the next bytes.
    if (this.#kept.length === 0) await this.#reading;
    const bytes = this.#kept.subarray(0, into.length);
    into.set(bytes);
    this.#kept = this.#kept.subarray(bytes.length);
    if (bytes.length > 0) return bytes.length;
    if (this.#state === "gone") throw new Deno.errors.ConnectionReset("connection reset");
    return this.#state === "ended" ? null : undefined;
  }

  /** False where the time was up first. */
  #waitUntil(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (inTime: boolean) => {
        clearTimeout(timer);
        this.#onChange = undefined;
        resolve(inTime);
      };
      const timer = Number.isFinite(timeoutMs) ? setTimeout(() => settle(false), timeoutMs) : undefined;
      this.#onChange = () => holds() && settle(true);
      this.#readOn();
    });
  }

  /** Reads while there is room and nobody else does. */
  #readOn(): void {
    if (this.#reading !== undefined || this.#handedOver || this.#state !== "open") return;
    const room = this.#limitBytes - this.#kept.length;
    if (room <= 0) return;
    this.#reading = this.#readOnce(this.#buffer.subarray(0, room)).then(() => {
      this.#reading = undefined;
      this.#onChange?.();
      this.#readOn();
    });
  }

  async #readOnce(into: Bytes): Promise<void> {
    try {
      const size = await this.#read(into);
      if (size === null) this.#state = this.#state === "open" ? "ended" : this.#state;
      else this.#keep(into.subarray(0, size));
    } catch {
      this.markGone();
    }
  }

  #keep(bytes: Bytes): void {
    const kept = new Uint8Array(this.#kept.length + bytes.length);
    kept.set(this.#kept);
    kept.set(bytes, this.#kept.length);
    this.#kept = kept;
  }
}
