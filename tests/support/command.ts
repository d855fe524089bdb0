/** Commands that are run to their end. */
import { within } from "./eventually.ts";

/** How a command ended, with all it printed. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a command: `maxMs` is how long it may take (a minute). */
export interface RunOptions extends Pick<Deno.CommandOptions, "cwd" | "env"> {
  readonly maxMs?: number;
}

/** Runs a command to its end. One that takes longer than `maxMs` is killed, and the error has what it had printed. */
export async function runToEnd(
  [command, ...args]: readonly string[],
  { maxMs = 60_000, ...options }: RunOptions = {},
): Promise<Outcome> {
  const pipes = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(command!, { args, ...pipes, ...options }).spawn();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const ending = child.output().then(({ code, stdout, stderr }): Outcome => ({
    code,
    stdout: text(stdout),
    stderr: text(stderr),
  }));
  try {
    return await within(`the end of ${[command, ...args].join(" ")}`, ending, { maxMs });
  } catch (error) {
    child.kill("SIGKILL");
    // A child of its own may live on, and hold its output open.
    const printed = await within("its output", ending, { maxMs: 5_000 }).catch(() => undefined);
    const text = printed === undefined ? "" : `; it had printed:\n${printed.stdout}${printed.stderr}`;
    throw new Error(`${command} had to be killed${text}`, { cause: error });
  }
}

/** What a command printed on its standard output; throws when it fails. */
export async function outputOf(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await runToEnd([command, ...args], options);
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}
