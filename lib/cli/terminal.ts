/** The real surroundings of a command. */
import { errorCode, systemWords } from "../values/system_error.ts";
import type { Terminal } from "./command.ts";

/** How often a non-blocking output that is full is tried again, and for how long without a byte getting out. */
const retry = { everyMs: 10, maxMs: 30_000 } as const;

/** A standard stream. */
export interface TerminalStream {
  writeSync(bytes: Uint8Array): number;
}

/**
 * Writes everything, waiting where a non-blocking stream is full; undefined = all of it is out, or nobody wants it any more
 * (`lb schema | head`), else why not. `pause` blocks the thread.
 */
export function writeAll(
  stream: TerminalStream,
  text: string,
  { pause = blockFor, maxMs = retry.maxMs }: { pause?: (ms: number) => void; maxMs?: number } = {},
): string | undefined {
  let waitedMs = 0;
  for (let rest = new TextEncoder().encode(text); rest.length > 0;) {
    try {
      rest = rest.subarray(stream.writeSync(rest));
      waitedMs = 0;
    } catch (error) {
      const code = errorCode(error);
      if (code === "EPIPE") return undefined;
      if (code !== "EAGAIN" && code !== "EINTR") {
        return systemWords(code ?? "") ?? (error instanceof Error ? error.message : String(error));
      }
      if (waitedMs >= maxMs) return "its reader reads no more";
      pause(retry.everyMs);
      waitedMs += retry.everyMs;
    }
  }
  return undefined;
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
