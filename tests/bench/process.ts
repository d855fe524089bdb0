/** A program started for a run, in the foreground, with what it prints kept for when it fails. */
import { type CpuReading, cpuUsBetween, processTreeOf, readCpu, residentBytes } from "./cpu_time.ts";
import { commandOn, type Host } from "./leg.ts";
import { type Endpoint, listens } from "./listening.ts";

const maxStartMs = 15_000;
const maxStopMs = 5_000;
const maxKeptChars = 4_000;

/** How to start a server, on which host, and where it will answer. */
export interface Launch {
  readonly name: string;
  readonly host: Host;
  readonly command: readonly string[];
  readonly endpoint: Endpoint;
  /** What makes it stop at once. */
  readonly stopSignal: Deno.Signal;
}

/** A running server, in a session of its own. Dispose it to have it and its workers ended. */
export class ServerProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #endpoint: Endpoint;
  readonly #process: Deno.ChildProcess;
  readonly #stopSignal: Deno.Signal;
  readonly #reading: Promise<unknown>;
  #printed = "";
  #ended = false;

  /** Starts it; `ready` says when it serves. */
  constructor({ name, host, command, endpoint, stopSignal }: Launch) {
    this.#name = name;
    this.#endpoint = endpoint;
    this.#stopSignal = stopSignal;
    // Neither `ip netns exec` nor `setsid` forks here, so that the process is the server itself.
    const [program, args] = commandOn(host, command);
    this.#process = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "piped" })
      .spawn();
    const { stdout, stderr, status } = this.#process;
    this.#reading = Promise.all([this.#keep(stdout), this.#keep(stderr)]);
    status.then(() => this.#ended = true);
  }

  /** Waits until it listens; throws with what it printed when it does not. */
  async ready(): Promise<void> {
    const startedAt = performance.now();
    while (!listens(this.#process.pid, this.#endpoint)) {
      if (this.#ended || performance.now() - startedAt > maxStartMs) {
        await this[Symbol.asyncDispose]();
        throw new Error(`${this.#name} did not start; it printed:\n${this.#printed.trim() || "nothing"}`);
      }
      await pauseMs(20);
    }
  }

  /** CPU time of the process and its workers from now on: call the result for the microseconds since. */
  measureCpu(): () => number {
    const read = () =>
      new Map(processTreeOf(this.#process.pid).map((pid): [number, CpuReading] => [pid, readCpu(pid)]));
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
    return residentBytes(processTreeOf(this.#process.pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      const tree = processTreeOf(this.#process.pid);
      sendSignal(this.#process.pid, this.#stopSignal);
      const timer = setTimeout(() => {
        // The workers of a parent that is killed would live on.
        for (const pid of tree) sendSignal(pid, "SIGKILL");
      }, maxStopMs);
      await this.#process.status;
      clearTimeout(timer);
    }
    await this.#reading;
  }

  async #keep(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#printed = (this.#printed + text).slice(-maxKeptChars);
    }
  }
}

/** Waits. */
export function pauseMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
