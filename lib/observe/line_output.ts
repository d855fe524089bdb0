/** Writes the lines of a queue to an output that may be slow, blocked, non-blocking, closed or full. */
import type { LineRing } from "./line_ring.ts";
import { StandardStream, type SyncOutput } from "./standard_stream.ts";

/** So much is taken out of the queue at a time. */
const maxPeekBytes = 64 * 1024;

/** The pause before a non-blocking output that takes nothing now is tried again. */
const retryMs = 10;

const lineFeed = 10;

export interface LineOutputOptions {
  readonly output: SyncOutput;
  /** Blocks the thread. */
  readonly pause: (ms: number) => void;
  /** Makes the line that says how many were lost, without its line feed. */
  readonly lostLine: (count: number) => string;
}

/** Writes to one output for as long as the thread lives. */
export class LineOutput {
  readonly #options: LineOutputOptions;
  readonly #stream: StandardStream;
  readonly #encoder = new TextEncoder();
  /** The output has taken part of a line, and the rest is still to come. */
  #isMidLine = false;
  /** The output has taken part of a line, and the rest of that line is lost. */
  #isCutOff = false;

  constructor(options: LineOutputOptions) {
    this.#options = options;
    this.#stream = new StandardStream(options.output);
  }

  /**
   * Writes everything that waits. Where the output fails, what waits is lost and counted; the next call tries again, and
   * reports how many were lost once it gets through. Never throws.
   */
  writeAll(ring: LineRing): void {
    try {
      while (ring.waiting > 0 || ring.lost > 0) this.#writeSome(ring);
      while (!this.#stream.flush()) this.#options.pause(retryMs);
    } catch {
      // Nobody reads any more, or the disk is full.
      ring.discard();
      this.#isCutOff ||= this.#isMidLine;
      this.#isMidLine = false;
    }
  }

  #writeSome(ring: LineRing): void {
    if (!this.#isMidLine) this.#reportLost(ring);
    for (let rest = wholeLines(ring.peek(maxPeekBytes)); rest.length > 0;) {
      const written = this.#write(rest);
      ring.take(written);
      rest = rest.subarray(written);
    }
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
      const written = this.#stream.write(bytes);
      if (written > 0) {
        this.#isMidLine = bytes[written - 1] !== lineFeed;
        return written;
      }
      this.#options.pause(retryMs);
    }
  }
}

/**
 * Without the beginning of a line at the end, unless that is all there is: the runtime may keep such a piece or not where the
 * output is full, and cannot be asked which while somebody reads at the other end.
 */
function wholeLines(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.lastIndexOf(lineFeed) + 1 || bytes.length);
}
