/** Writes to a standard stream so that after a failure it is known what has got out. */
import { errorCode } from "../values/system_error.ts";

/**
 * The size of the line buffer that Deno's standard output goes through (Rust's LineWriter). A write that fails may have put a
 * part out and kept another part there, and does not say which. A piece of at most this size that ends with a line feed, or
 * has none, is either refused as a whole or, as far as it is not out, kept as a whole.
 */
const bufferBytes = 1024;

const lineFeed = 10;
const nothing = new Uint8Array();

/** `Deno.stdout` and `Deno.stderr` are such. */
export interface SyncOutput {
  writeSync(bytes: Uint8Array): number;
}

/** Nobody else may write to the same stream of this thread. */
export class StandardStream {
  readonly #output: SyncOutput;
  #isKeeping = false;

  constructor(output: SyncOutput) {
    this.#output = output;
  }

  /**
   * Writes some of the bytes, whole lines or a piece of a long one, and returns how many: none where the stream is
   * non-blocking and full. Throws what the system says; then none of them has got out. Lines of at most 1024 bytes are never
   * cut by a full pipe or disk; where the rest of one waits in the runtime it goes first as soon as there is room.
   */
  write(bytes: Uint8Array): number {
    if (!this.flush()) return 0;
    const piece = bytes.subarray(0, pieceBytes(bytes));
    try {
      return this.#output.writeSync(piece);
    } catch (error) {
      this.#isKeeping = !this.#isEmpty();
      if (this.#isKeeping) return piece.length;
      if (isTemporary(error)) return 0;
      throw error;
    }
  }

  /** Whether nothing waits in the runtime any more. Throws what the system says. */
  flush(): boolean {
    if (!this.#isKeeping) return true;
    try {
      this.#output.writeSync(nothing);
    } catch (error) {
      if (isTemporary(error)) return false;
      throw error;
    }
    this.#isKeeping = false;
    return true;
  }

  /**
   * A write of nothing flushes the runtime's buffer: with something in it, it fails as the write before. Should there be room
   * again just now, a piece may go out twice; pipes take a small piece whole, so that only a terminal could show it.
   */
  #isEmpty(): boolean {
    try {
      this.#output.writeSync(nothing);
      return true;
    } catch {
      return false;
    }
  }
}

/** As many whole lines as fit, or what fits of a line that is longer. */
function pieceBytes(bytes: Uint8Array): number {
  const maxBytes = Math.min(bytes.length, bufferBytes);
  for (let end = maxBytes; end > 0; end--) if (bytes[end - 1] === lineFeed) return end;
  return maxBytes;
}

function isTemporary(error: unknown): boolean {
  const code = errorCode(error);
  return code === "EAGAIN" || code === "EINTR";
}
