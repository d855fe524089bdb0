import type { Output } from "../../lib/observe/line_writer.ts";

/** What an output does with a write: takes it all, some bytes of it, fails, or never answers until it is released. */
export type Behaviour = "take" | "fail" | "block" | { readonly take: number };

/** An output for a test, which keeps what it was given. */
export class CapturedOutput implements Output {
  /** What the next writes do, in order; after them, `usual`. */
  readonly next: Behaviour[] = [];
  usual: Behaviour = "take";
  writes = 0;
  #text = "";
  #inFlight = 0;
  #mostInFlight = 0;
  #released = Promise.withResolvers<void>();
  readonly #decoder = new TextDecoder();

  async write(bytes: Uint8Array): Promise<number> {
    this.writes++;
    this.#mostInFlight = Math.max(this.#mostInFlight, ++this.#inFlight);
    try {
      return await this.#answer(bytes);
    } finally {
      this.#inFlight--;
    }
  }

  /** Lets the write that is blocked go on; later ones block anew where they are told to. */
  release(): void {
    this.#released.resolve();
    this.#released = Promise.withResolvers<void>();
  }

  /** Everything that was taken. */
  get text(): string {
    return this.#text;
  }

  /** What was taken, line by line. */
  get lines(): string[] {
    return this.#text.split("\n").slice(0, -1);
  }

  get mostInFlight(): number {
    return this.#mostInFlight;
  }

  async #answer(bytes: Uint8Array): Promise<number> {
    const behaviour = this.next.shift() ?? this.usual;
    if (behaviour === "fail") throw new Deno.errors.BrokenPipe("nobody reads");
    if (behaviour === "block") await this.#released.promise;
    const taken = typeof behaviour === "object" ? Math.min(behaviour.take, bytes.length) : bytes.length;
    this.#text += this.#decoder.decode(bytes.subarray(0, taken), { stream: true });
    return taken;
  }
}
