import type { SyncOutput } from "../../lib/observe/standard_stream.ts";

/** What the system does with a write: takes it all, some bytes of it, none for now, or fails for good. */
export type Behaviour = "take" | "full" | "closed" | "noSpace" | { readonly take: number };

const bufferBytes = 1024;
const lineFeed = 10;

/** A standard output for a test, which keeps what the system was given. Buffers lines as Deno does: see Rust's LineWriter. */
export class CapturedOutput implements SyncOutput {
  /** What the system does with the next writes, in order; after them, `usual`. */
  readonly next: Behaviour[] = [];
  usual: Behaviour = "take";
  /** Writes that reached the system. */
  writes = 0;
  #buffer = new Uint8Array();
  #text = "";
  readonly #decoder = new TextDecoder();

  /** Everything that the system took. */
  get text(): string {
    return this.#text;
  }

  /** What the system took, line by line. */
  get lines(): string[] {
    return this.#text.split("\n").slice(0, -1);
  }

  /** Writes and flushes, as Deno.stdout.writeSync does; a failure of the flush hides how much was taken. */
  writeSync(bytes: Uint8Array): number {
    const written = this.#writeBuffered(bytes);
    this.#flush();
    return written;
  }

  #writeBuffered(bytes: Uint8Array): number {
    const end = bytes.lastIndexOf(lineFeed) + 1;
    if (end === 0) {
      if (this.#buffer.at(-1) === lineFeed) this.#flush();
      if (this.#buffer.length + bytes.length > bufferBytes) this.#flush();
      return bytes.length >= bufferBytes ? this.#system(bytes) : this.#keep(bytes);
    }
    this.#flush();
    const flushed = this.#system(bytes.subarray(0, end));
    if (flushed === 0) return 0;
    return flushed + this.#keep(flushed < end ? bytes.subarray(flushed, end) : bytes.subarray(flushed));
  }

  #keep(bytes: Uint8Array): number {
    const kept = bytes.subarray(0, bufferBytes - this.#buffer.length);
    this.#buffer = new Uint8Array([...this.#buffer, ...kept]);
    return kept.length;
  }

  #flush(): void {
    while (this.#buffer.length > 0) this.#buffer = this.#buffer.slice(this.#system(this.#buffer));
  }

  /** write(2) */
  #system(bytes: Uint8Array): number {
    this.writes++;
    const behaviour = this.next.shift() ?? this.usual;
    if (behaviour === "closed") throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
    if (behaviour === "noSpace") throw new Error("No space left on device (os error 28)");
    if (behaviour === "full") {
      throw new Deno.errors.WouldBlock("Resource temporarily unavailable (os error 11)");
    }
    const taken = typeof behaviour === "object" ? Math.min(behaviour.take, bytes.length) : bytes.length;
    this.#text += this.#decoder.decode(bytes.subarray(0, taken), { stream: true });
    return taken;
  }
}
