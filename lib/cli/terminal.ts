/** The real surroundings of a command. */
import { StandardStream, type SyncOutput } from "../observe/standard_stream.ts";
import { errorCode, systemWords } from "../values/system_error.ts";
import type { Terminal } from "./command.ts";

/** How often a non-blocking output that is full is tried again, and for how long without a byte getting out. */
const retry = { everyMs: 10, maxMs: 30_000 } as const;

export interface WriteAllOptions {
  /** Blocks the thread. */
  readonly pause?: (ms: number) => void;
  readonly maxMs?: number;
}

/**
 * Writes everything, waiting where a non-blocking stream is full; undefined = all of it is out, or nobody wants it any more
 * (`lb schema | head`), else why not.
 */
export function writeAll(
  output: SyncOutput,
  text: string,
  { pause = blockFor, maxMs = retry.maxMs }: WriteAllOptions = {},
): string | undefined {
  const stream = new StandardStream(output);
  let rest = new TextEncoder().encode(text);
  let waitedMs = 0;
  try {
    while (rest.length > 0 || !stream.flush()) {
      const written = rest.length > 0 ? stream.write(rest) : 0;
      rest = rest.subarray(written);
      if (written > 0) waitedMs = 0;
      else if (waitedMs >= maxMs) return "its reader reads no more";
      else {
        pause(retry.everyMs);
        waitedMs += retry.everyMs;
      }
    }
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    if (code === "EPIPE") return undefined;
    return systemWords(code ?? "") ?? (error instanceof Error ? error.message : String(error));
  }
}

export function processTerminal(): Terminal {
  const printError = (line: string) => void writeAll(Deno.stderr, `${line}\n`);
  const print = (text: string) => {
    const problem = writeAll(Deno.stdout, text);
    if (problem !== undefined) printError(`lb: standard output cannot be written: ${problem}`);
    return problem === undefined;
  };
  return {
    print: (line) => print(`${line}\n`),
    printError,
    write: (text) => void print(text),
    isTerminal: Deno.stdout.isTerminal(),
    env: (name) => Deno.env.get(name),
  };
}

function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, ms);
}
