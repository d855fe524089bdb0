/** A program started for a run, in the foreground, with what it prints kept for when it fails. */
import { type CpuReading, cpuUsBetween, familyOf, readCpu, residentBytes } from "./cpu_time.ts";

const startPatienceMs = 15_000;
const stopPatienceMs = 5_000;
const keptChars = 4_000;

/** How to start a server and where it will answer. */
export interface Launch {
  readonly name: string;
  readonly command: readonly string[];
  readonly port: number;
  /** What makes it stop at once. */
  readonly stopSignal: Deno.Signal;
}

/** A running server. Dispose it to have it and its workers ended. */
export class ServerProcess implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly #process: Deno.ChildProcess;
  readonly #stopSignal: Deno.Signal;
  readonly #reading: Promise<unknown>;
  #printed = "";
  #ended = false;

  /** Starts it; `ready` says when it serves. */
  constructor({ name, command: [program, ...args], port, stopSignal }: Launch) {
    this.name = name;
    this.port = port;
    this.#stopSignal = stopSignal;
    this.#process = new Deno.Command(program!, { args, stdin: "null", stdout: "piped", stderr: "piped" })
      .spawn();
    const { stdout, stderr, status } = this.#process;
    this.#reading = Promise.all([this.#keep(stdout), this.#keep(stderr)]);
    status.then(() => this.#ended = true);
  }

  /** Waits until it accepts connections; throws with what it printed when it does not. */
  async ready(): Promise<void> {
    const startedAt = performance.now();
    while (!await accepts(this.port)) {
      if (this.#ended || performance.now() - startedAt > startPatienceMs) {
        await this[Symbol.asyncDispose]();
        throw new Error(`${this.name} did not start; it printed:\n${this.#printed.trim() || "nothing"}`);
      }
      await pauseMs(20);
    }
  }

  /** CPU time of the process and its workers from now on: call the result for the microseconds since. */
  measureCpu(): () => number {
    const read = () =>
      new Map(familyOf(this.#process.pid).map((pid): [number, CpuReading] => [pid, readCpu(pid)]));
    const before = read();
    return () => {
      let us = 0;
      for (const [pid, now] of read()) {
        us += cpuUsBetween(before.get(pid) ?? { ticks: 0, threadNs: new Map() }, now);
      }
      return us;
    };
  }

  /** Resident memory of the process and its workers. */
  residentBytes(): number {
    return residentBytes(familyOf(this.#process.pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      const family = familyOf(this.#process.pid);
      sendSignal(this.#process.pid, this.#stopSignal);
      const timer = setTimeout(() => {
        // The workers of a parent that is killed would live on.
        for (const pid of family) sendSignal(pid, "SIGKILL");
      }, stopPatienceMs);
      await this.#process.status;
      clearTimeout(timer);
    }
    await this.#reading;
  }

  async #keep(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#printed = (this.#printed + text).slice(-keptChars);
    }
  }
}

/** Waits. */
export function pauseMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
