/** A target that is a process: it can be killed, stopped, and be in another network. */
import { within } from "./eventually.ts";

const program = new URL("./echo_program.ts", import.meta.url).pathname;

/** Echoes, and answers health checks (`echo_program.ts`). Dispose it to have it killed. */
export class ProcessTarget implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly address: string;

  private constructor(process: Deno.ChildProcess, address: string) {
    this.#process = process;
    this.address = address;
  }

  /** `prefix`: words in front of the command, such as those of a network namespace. */
  static async start(
    { hostname = "127.0.0.1", prefix = [] }: { hostname?: string; prefix?: readonly string[] } = {},
  ): Promise<ProcessTarget> {
    const words = [Deno.execPath(), "run", "--no-check", "--no-prompt", "--allow-net", program, hostname];
    const [command, ...args] = [...prefix, ...words];
    const process = new Deno.Command(command!, { args, stdin: "null", stdout: "piped", stderr: "inherit" })
      .spawn();
    const reader = process.stdout.getReader();
    try {
      const { value } = await within("the port of a target", reader.read());
      return new ProcessTarget(process, `${hostname}:${new TextDecoder().decode(value).trim()}`);
    } catch (error) {
      process.kill("SIGKILL");
      await process.status;
      throw error;
    } finally {
      await reader.cancel();
    }
  }

  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Kills it, and resolves once it is gone. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await within("the end of a killed target", this.#process.status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await within("the end of a target", this.#process.status);
  }
}
