/** The whole program as a process of its own, for the scenarios. */
import assert from "node:assert/strict";
import { type Outcome, runToEnd } from "./command.ts";
import { engine } from "./engine.ts";
import { within } from "./eventually.ts";
import { startWords } from "./start_task.ts";

/** How long a log line, or the end of the program, may take. */
const maxWaitMs = 30_000;
const maxEndMs = 60_000;

/** A line of the log, as JSON has it. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly message?: string;
  readonly [field: string]: unknown;
}

/**
 * The words that start the program: those of `deno task start`, or of `start:sandboxed` where the
 * portable engine is wanted; or the binary that LB_BINARY names.
 */
export function lbCommand(args: readonly string[], runs = engine): [string, string[]] {
  const binary = Deno.env.get("LB_BINARY");
  if (binary !== undefined) return [binary, [...args]];
  const [command, ...words] = startWords(runs);
  return [command!, [...words, ...args]];
}

/** Runs a command of lb to its end. */
export async function lb(
  args: readonly string[],
  { runs, ...options }: { cwd?: string; env?: Record<string, string>; runs?: typeof engine } = {},
): Promise<Outcome> {
  const [command, words] = lbCommand(args, runs);
  return await runToEnd([command, ...words], options);
}

export interface RunOptions {
  /** Extra words behind `run -c FILE`. */
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** Whether `start` waits until it accepts connections; it does unless this is false. */
  readonly waits?: boolean;
  /** Words in front of the command, such as `prlimit --nofile=256`, or `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
}

/** A running `lb run`. Dispose it to have it stopped at once and its folder removed. */
export class RunningLb implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;
  readonly #lines: LogLine[] = [];
  readonly #reading: Promise<unknown>;
  #stderr = "";
  #wake: (() => void)[] = [];
  #ended = false;

  private constructor(process: Deno.ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
    this.#reading = Promise.all([this.#readLog(), this.#readErrors()]).then(() => {
      this.#ended = true;
      this.#wakeAll();
    });
  }

  /** Starts `lb run` with this configuration and waits until it accepts connections. */
  static async start(config: string, options: RunOptions = {}): Promise<RunningLb> {
    const folder = await Deno.makeTempDir({ prefix: "lb-scenario-" });
    await Deno.writeTextFile(`${folder}/lb.yaml`, config);
    const [command, words] = lbCommand(["run", "-c", `${folder}/lb.yaml`, ...options.args ?? []]);
    const [first, ...rest] = [...options.prefix ?? [], command, ...words];
    const process = new Deno.Command(first!, {
      args: rest,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...options.env === undefined ? {} : { env: options.env },
    }).spawn();
    const running = new RunningLb(process, folder);
    try {
      if (options.waits === false) return running;
      // The pools are the last thing it tells of its start.
      await running.line((line) => "algorithm" in line);
      running.#assertEngine();
      return running;
    } catch (error) {
      await running[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Every log line so far. */
  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The close records in the log so far. */
  get records(): readonly LogLine[] {
    return this.#lines.filter((line) => "reason" in line && "attempts" in line);
  }

  /** Waits for a log line; fails with what was logged when the program ends before. */
  line(wanted: (line: LogLine) => boolean): Promise<LogLine> {
    return this.until(() => this.#lines.find(wanted));
  }

  /** Waits until `poll` gives something; polls behind every lot of log lines. Fails after half a minute, saying what was logged. */
  async until<T>(poll: () => T | undefined): Promise<T> {
    let inTime = true;
    const timer = setTimeout(() => {
      inTime = false;
      this.#wakeAll();
    }, maxWaitMs);
    try {
      for (;;) {
        const found = poll();
        if (found !== undefined) return found;
        if (this.#ended || !inTime) {
          const why: string = inTime
            ? "lb ended before what was waited for"
            : "what was waited for never came";
          assert.fail(`${why}; ${this.#printed()}`);
        }
        await new Promise<void>((resolve) => this.#wake.push(resolve));
        // Lines that came together are polled for together: to poll at each of ten thousand lines a second reads them so
        // slowly that lb has to lose some.
        await new Promise<void>((resolve) => setTimeout(resolve, 0));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The port in fact bound by a listener (its first bind). */
  port(listener = "web"): number {
    const line = this.#lines.find((line) => line["listener"] === listener && Array.isArray(line["bind"]));
    const bind = (line?.["bind"] as string[] | undefined)?.[0] ?? "";
    return Number(bind.slice(bind.lastIndexOf(":") + 1));
  }

  async writeConfig(config: string): Promise<void> {
    await Deno.writeTextFile(this.configPath, config);
  }

  /** The path of its configuration. */
  get configPath(): string {
    return `${this.#folder}/lb.yaml`;
  }

  /** Has it reload `config`, or the file as it stands, and waits for the line that says what came of it. */
  async reload(config?: string): Promise<LogLine> {
    if (config !== undefined) await this.writeConfig(config);
    const before = this.#lines.length;
    this.kill("SIGHUP");
    return await this.until(() => this.#lines.slice(before).find(isVerdict));
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Resolves to the exit code once the program has ended and its log is read to the end. */
  async ended(): Promise<number> {
    const ending = Promise.all([this.#process.status, this.#reading]);
    const [{ code }] = await within(() => `the end of lb; ${this.#printed()}`, ending, { maxMs: maxEndMs });
    return code;
  }

  /** Descriptors that the process has open; a stand-in process (`prefix`) counts its own. */
  descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.pid}/fd`)].length;
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    const pages = Number(Deno.readTextFileSync(`/proc/${this.pid}/statm`).split(" ")[1]);
    return pages * 4096;
  }

  /** Seconds of CPU time that it has taken so far, all threads together. */
  cpuSeconds(): number {
    // The fields behind the command's name, which may hold spaces: 14 and 15 are utime and stime, in hundredths.
    const fields = Deno.readTextFileSync(`/proc/${this.pid}/stat`).replace(/^.*\) /, "").split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      try {
        this.#process.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await this.ended();
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** The end of all it has printed, for messages. */
  #printed(): string {
    const log = this.#lines.slice(-50).map((line) => JSON.stringify(line)).join("\n");
    return `the end of its log:\n${log}\nand on standard error:\n${this.#stderr}`;
  }

  /** Fails when another engine runs than the tests were made for, unless the configuration asks for that one. */
  #assertEngine(): void {
    const started = this.#lines.find((line) => "engineReason" in line);
    if (started?.["engineReason"] === "configured") return;
    assert.equal(started?.["engine"], engine, `engine, ${started?.["engineReason"]}`);
  }

  async #readLog(): Promise<void> {
    for await (const text of linesOf(this.#process.stdout)) {
      this.#lines.push(JSON.parse(text));
      this.#wakeAll();
    }
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.#process.stderr.pipeThrough(new TextDecoderStream())) this.#stderr += text;
  }

  #wakeAll(): void {
    for (const resume of this.#wake.splice(0)) resume();
  }
}

/** Whether a line is the last one of a reload. */
export function isVerdict({ message }: LogLine): boolean {
  return /^(reloaded |reload refused: |reload failed: )/.test(message ?? "");
}

/** The lines that were ended: a program that is killed while it writes leaves half a one. */
async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
