/** The real surroundings of a command. */
import type { Terminal } from "./command.ts";

export function processTerminal(): Terminal {
  const encoder = new TextEncoder();
  const lineTo = (stream: { writeSync(bytes: Uint8Array): number }) => (line: string) => {
    try {
      for (let rest = encoder.encode(`${line}\n`); rest.length > 0;) {
        rest = rest.subarray(stream.writeSync(rest));
      }
    } catch (error) {
      // The reader has what it wanted and is gone (`lb schema | head`).
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  };
  return {
    print: lineTo(Deno.stdout),
    printError: lineTo(Deno.stderr),
    stdout: Deno.stdout,
    env: (name) => Deno.env.get(name),
  };
}
