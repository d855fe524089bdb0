/** Writes lines to a file descriptor that may be slow, blocked or closed, without ever holding up the program. */

/** Lines that wait take at most so much memory; beyond it they are dropped and counted. */
const mostWaitingBytes = 4 * 1024 * 1024;

const lineFeed = 10;

/** What the lines go to; `Deno.stdout` is one. */
export interface Output {
  write(bytes: Uint8Array): Promise<number>;
}

/** Keeps at most one write in flight and puts what has gathered meanwhile into the next. */
export class LineWriter {
  readonly #output: Output;
  readonly #encoder = new TextEncoder();
  /** Makes the line that says how many were lost, once lines get through again. */
  readonly #lostLine: (count: number) => string;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #writtenBytes = 0;
  /** The output has taken part of a line and then failed. */
  #broken = false;
  #writing: Promise<void> | undefined;

  constructor(output: Output, lostLine: (count: number) => string) {
    this.#output = output;
    this.#lostLine = lostLine;
  }

  /** Takes one line, without its line feed. Never throws, never waits. */
  write(line: string): void {
    if (this.#waitingBytes + line.length > mostWaitingBytes) {
      this.#lost++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#writeAll();
  }

  /** How many lines were lost so far and are not yet told of in the output. */
  get lost(): number {
    return this.#lost;
  }

  /** Resolves once every line is out, or none has got out for `patienceMs`. */
  async flush(patienceMs: number): Promise<void> {
    for (let before = -1; this.#writing !== undefined && before !== this.#writtenBytes;) {
      before = this.#writtenBytes;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, patienceMs));
      await Promise.race([this.#writing, timeout]);
      clearTimeout(timer);
    }
  }

  async #writeAll(): Promise<void> {
    // One turn later, so that lines of the same moment go out together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      const lost = this.#lost;
      if (lost > 0) lines.unshift(this.#lostLine(lost));
      try {
        // Half a line that got out must not run into the next one.
        await this.#writeBytes(this.#encoder.encode(`${this.#broken ? "\n" : ""}${lines.join("\n")}\n`));
        this.#lost -= lost;
      } catch {
        // Nobody reads any more, or the disk is full. The next line tries again.
        this.#lost += lines.length - (lost > 0 ? 1 : 0);
      }
      this.#waitingBytes = this.#waiting.reduce((sum, line) => sum + line.length, 0);
    }
    this.#writing = undefined;
  }

  async #writeBytes(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      const taken = await this.#output.write(rest);
      if (taken > 0) this.#broken = rest[taken - 1] !== lineFeed;
      this.#writtenBytes += taken;
      rest = rest.subarray(taken);
    }
  }
}
