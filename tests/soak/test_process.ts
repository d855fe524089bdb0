/** `deno test` in a process of its own, which may fail or hang without harm to who runs it. */
import { type Figure, figuresVariable } from "../support/figure.ts";
import { StallWatch } from "./stall.ts";

/** What to run, and for how long at most. `env` is on top of this process's own. */
export interface TestRun {
  readonly files: readonly string[];
  readonly filter?: string | undefined;
  readonly env: { readonly [name: string]: string };
  readonly limitMs: number;
  /** Where all that it prints goes. */
  readonly logFile: string;
  /** Ends it early, as the limit does. */
  readonly signal?: AbortSignal;
}

/** How it ended, what it recorded, and the end of what it printed on either stream. */
export interface TestEnd {
  /** null: it had to be killed. */
  readonly code: number | null;
  readonly seconds: number;
  /** The longest that the machine kept a thread waiting meanwhile. */
  readonly stallMs: number;
  readonly figures: readonly Figure[];
  readonly printed: string;
}

/** So much of what is printed last is kept: the failures, and which test hung. */
const keptCharacters = 200_000;
const outputMs = 5_000;

/** Runs tests to their end, or kills them at the limit with every process they have started in their group. */
export async function runTests({ files, filter, env, limitMs, logFile, signal }: TestRun): Promise<TestEnd> {
  const figuresFile = await Deno.makeTempFile({ prefix: "lb-soak-" });
  const startedAt = performance.now();
  try {
    // A process group of its own, so that what it leaves behind can be ended with it.
    const child = new Deno.Command("setsid", {
      args: ["-w", Deno.execPath(), ...await testWords(files, filter)],
      env: { NO_COLOR: "1", ...env, [figuresVariable]: figuresFile },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    using printed = await Printed.to(logFile);
    using watch = new StallWatch();
    const reading = Promise.all([printed.read(child.stdout), printed.read(child.stderr)]);
    const end = await endOf(child, { limitMs, signal });
    await atMost(outputMs, reading);
    return {
      code: end,
      seconds: (performance.now() - startedAt) / 1_000,
      stallMs: watch.worstMs,
      figures: await readFigures(figuresFile),
      printed: printed.tail,
    };
  } finally {
    await Deno.remove(figuresFile);
  }
}

async function testWords(files: readonly string[], filter: string | undefined): Promise<string[]> {
  const how = ["--allow-all", "--no-check", ...await sanitizerWords()];
  return ["test", ...how, ...filter === undefined ? [] : ["--filter", filter], ...files];
}

/** Where the sanitizers have to be asked for; before that Deno has them on, and no words for them. */
async function sanitizerWords(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["test", "--help"] }).output();
  const help = new TextDecoder().decode(stdout);
  return ["--sanitize-ops", "--sanitize-resources"].filter((word) => help.includes(word));
}

interface Limits {
  readonly limitMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The exit code, or null where the limit or the signal came first and the group was killed. */
async function endOf(child: Deno.ChildProcess, { limitMs, signal }: Limits): Promise<number | null> {
  let killed = false;
  const kill = () => {
    killed = true;
    killGroup(child.pid);
  };
  const timer = setTimeout(kill, limitMs);
  signal?.addEventListener("abort", kill, { once: true });
  try {
    if (signal?.aborted) kill();
    const { code } = await child.status;
    return killed ? null : code;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", kill);
    // A test that failed may have left a program behind.
    killGroup(child.pid);
  }
}

function killGroup(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !isNoSuchProcess(error)) throw error;
  }
}

function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && /ESRCH|No such process/.test(error.message);
}

/** Waits for a promise, but not longer: a process outside of the group may hold an output open for ever. */
async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  try {
    await Promise.race([promise, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function readFigures(file: string): Promise<Figure[]> {
  const lines = (await Deno.readTextFile(file)).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** What a process prints: all of it in a file, the end of it here. */
class Printed implements Disposable {
  readonly #file: Deno.FsFile;
  #closed = false;
  tail = "";

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  static async to(path: string): Promise<Printed> {
    return new Printed(await Deno.open(path, { write: true, create: true, truncate: true }));
  }

  async read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const encoder = new TextEncoder();
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      if (this.#closed) return;
      this.tail = (this.tail + text).slice(-keptCharacters);
      const bytes = encoder.encode(text);
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#file.close();
  }
}
