/** Servers of the system, for the tests with real traffic. */
import { eventually, within } from "./eventually.ts";

/** A server in the foreground, killed when disposed; `folder` is its own and goes with it. */
export class Daemon implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  readonly #command: readonly string[];
  #process: Deno.ChildProcess;

  private constructor(options: { port: number; folder: string; command: readonly string[] }) {
    this.port = options.port;
    this.folder = options.folder;
    this.#command = options.command;
    this.#process = this.#spawn();
  }

  /** Starts `command` on a free port and waits until it accepts connections there. */
  static async start(
    command: (own: { port: number; folder: string }) => readonly string[] | Promise<readonly string[]>,
  ): Promise<Daemon> {
    const folder = await Deno.makeTempDir({ prefix: "lb-daemon-" });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const daemon = new Daemon({ port, folder, command: await command({ port, folder }) });
    await daemon.#answers();
    return daemon;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Ends it the hard way, with every process it has started. */
  async kill(): Promise<void> {
    Deno.kill(-this.#process.pid, "SIGKILL");
    await within(`the end of a killed ${this.#command[0]}`, this.#process.status);
  }

  /** Starts it again after a kill. */
  async restart(): Promise<void> {
    this.#process = this.#spawn();
    await this.#answers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.kill();
    } catch {
      // It is dead already.
    }
    await Deno.remove(this.folder, { recursive: true });
  }

  #spawn(): Deno.ChildProcess {
    // A process group of its own, so that its workers can be ended with it.
    const args = ["-w", ...this.#command];
    return new Deno.Command("setsid", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  }

  async #answers(): Promise<void> {
    await eventually(`${this.#command[0]} on port ${this.port}`, async () => {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
        return true;
      } catch {
        return false;
      }
    });
  }
}
