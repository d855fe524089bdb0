/** `lb run` whose log is read by hand, or not at all. */
import { within } from "./eventually.ts";
import { lbCommand } from "./lb.ts";

const bound = { maxMs: 60_000 };

/** Dispose it to have it killed and its folder removed. */
export class BareLb implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #decoder = new TextDecoder();
  /** What was read of its log so far. */
  log = "";

  private constructor(process: Deno.ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
    this.#reader = process.stdout.getReader();
  }

  /** `prefix`: words in front of the command. */
  static async start(config: string, prefix: readonly string[] = []): Promise<BareLb> {
    const folder = await Deno.makeTempDir({ prefix: "lb-scenario-" });
    await Deno.writeTextFile(`${folder}/lb.yaml`, config);
    const [command, words] = lbCommand(["run", "-c", `${folder}/lb.yaml`]);
    const [first, ...args] = [...prefix, command, ...words];
    const process = new Deno.Command(first!, { args, stdin: "null", stdout: "piped", stderr: "null" })
      .spawn();
    return new BareLb(process, folder);
  }

  /** Reads the log until it holds `pattern`, or to its end; fails when neither comes within a minute. */
  async read(pattern: RegExp): Promise<void> {
    await within(() => `${pattern} in the log; it has:\n${this.log}`, this.#readUntil(pattern), bound);
  }

  async #readUntil(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.log)) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.log += this.#decoder.decode(value, { stream: true });
    }
  }

  /** Closes our end of its standard output. */
  async closeLog(): Promise<void> {
    await this.#reader.cancel();
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    const pages = Number(Deno.readTextFileSync(`/proc/${this.#process.pid}/statm`).split(" ")[1]);
    return pages * 4096;
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  async ended(): Promise<number> {
    const what = () => `the end of lb; what was read of its log:\n${this.log}`;
    return (await within(what, this.#process.status, bound)).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#reader.cancel();
    await within("the end of a killed lb", this.#process.status, bound);
    await Deno.remove(this.#folder, { recursive: true });
  }
}
