/** What an output does with a write: takes it all, some bytes of it, none for now, or fails. */
export type Behaviour = "take" | "fail" | "full" | { readonly take: number };

/** A standard output for a test, which keeps what it was given. */
export class CapturedOutput {
  /** What the next writes do, in order; after them, `usual`. */
  readonly next: Behaviour[] = [];
  usual: Behaviour = "take";
  writes = 0;
  #text = "";
  readonly #decoder = new TextDecoder();

  /** As Deno.stdout has it. */
  readonly writeSync = (bytes: Uint8Array): number => {
    this.writes++;
    const behaviour = this.next.shift() ?? this.usual;
    if (behaviour === "fail") throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
    if (behaviour === "full") {
      throw new Deno.errors.WouldBlock("Resource temporarily unavailable (os error 11)");
    }
    const taken = typeof behaviour === "object" ? Math.min(behaviour.take, bytes.length) : bytes.length;
    this.#text += this.#decoder.decode(bytes.subarray(0, taken), { stream: true });
    return taken;
  };

  /** Everything that was taken. */
  get text(): string {
    return this.#text;
  }

  /** What was taken, line by line. */
  get lines(): string[] {
    return this.#text.split("\n").slice(0, -1);
  }
}
