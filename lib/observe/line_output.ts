/** Writes the lines of a queue to a descriptor that may be slow, blocked, non-blocking, closed or full. */
import { errorCode } from "../values/system_error.ts";
import type { LineRing } from "./line_ring.ts";

/** One write takes so much: a part of it that gets out shows that the output moves. */
const maxWriteBytes = 64 * 1024;

/** The pause before a non-blocking output that takes nothing now is tried again. */
const retryMs = 10;

const lineFeed = 10;

export interface LineOutputOptions {
  /** Writes some of the bytes and says how many; throws what the system says. `Deno.stdout.writeSync` is one. */
  readonly writeSync: (bytes: Uint8Array) => number;
  /** Blocks the thread. */
  readonly pause: (ms: number) => void;
  /** Makes the line that says how many were lost, without its line feed. */
  readonly lostLine: (count: number) => string;
}

/** Writes to one output for as long as the thread lives. */
export class LineOutput {
  readonly #options: LineOutputOptions;
  readonly #encoder = new TextEncoder();
  /** The output has taken part of a line, and the rest is still to come. */
  #isMidLine = false;
  /** The output has taken part of a line, and the rest of that line is lost. */
  #isCutOff = false;

  constructor(options: LineOutputOptions) {
    this.#options = options;
  }

  /**
   * Writes everything that waits. Where the output fails, what waits is lost and counted; the next call tries again, and
   * reports how many were lost once it gets through. Never throws.
   */
  writeAll(ring: LineRing): void {
    do {
      try {
        if (!this.#isMidLine) this.#reportLost(ring);
        const bytes = ring.peek(maxWriteBytes);
        if (bytes.length > 0) ring.take(this.#write(bytes));
      } catch {
        // Nobody reads any more, or the disk is full.
        ring.discard();
        this.#isCutOff ||= this.#isMidLine;
        this.#isMidLine = false;
        return;
      }
    } while (ring.waiting > 0 || ring.lost > 0);
  }

  #reportLost(ring: LineRing): void {
    const { lost } = ring;
    if (lost === 0) return;
    // What is left of a line must not run into the next one. That line is among the lost ones.
    const text = `${this.#isCutOff ? "\n" : ""}${this.#options.lostLine(lost)}\n`;
    for (let rest = this.#encoder.encode(text); rest.length > 0;) rest = rest.subarray(this.#write(rest));
    this.#isCutOff = false;
    ring.addLost(-lost);
  }

  /** Writes some of the bytes and returns how many; waits where a non-blocking output takes none now. */
  #write(bytes: Uint8Array): number {
    for (;;) {
      const written = this.#tryWrite(bytes);
      if (written > 0) {
        this.#isMidLine = bytes[written - 1] !== lineFeed;
        return written;
      }
      this.#options.pause(retryMs);
    }
  }

  /** 0 = nothing could be written for the moment. */
  #tryWrite(bytes: Uint8Array): number {
    try {
      return this.#options.writeSync(bytes);
    } catch (error) {
      const code = errorCode(error);
      if (code === "EAGAIN" || code === "EINTR") return 0;
      throw error;
    }
  }
}
