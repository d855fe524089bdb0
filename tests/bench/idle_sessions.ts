/** Runs the client that holds idle sessions. */
import { within } from "../support/eventually.ts";
import type { IdleLoad } from "./idle_client.ts";
import { commandOn, type Host } from "./leg.ts";

const bound = { maxMs: 60_000 };

/** Dispose it to have every connection closed. */
export class IdleSessions implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;

  /** Starts the client on a host. */
  constructor(client: Host, load: IdleLoad) {
    const script = new URL("./idle_client.ts", import.meta.url).pathname;
    const words = [
      Deno.execPath(),
      "run",
      "--no-check",
      "--no-prompt",
      `--allow-net=${load.address}`,
      script,
    ];
    const [program, args] = commandOn(client, [...words, JSON.stringify(load)]);
    this.#process = new Deno.Command(program, { args, stdin: "piped", stdout: "piped", stderr: "piped" })
      .spawn();
    this.#output = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = new Response(this.#process.stderr).text();
  }

  /** Waits until all are open, each with one small request answered; throws when one is not served. */
  async open(): Promise<void> {
    const { value, done } = await within("the opening of idle sessions", this.#output.read(), bound);
    if (done || value !== "open\n") throw new Error(await this.#errors || `the idle client printed ${value}`);
  }

  /** How many still answer. Can be asked once. */
  async alive(): Promise<number> {
    await this.#process.stdin.close();
    const { value } = await within("the answers of idle sessions", this.#output.read(), bound);
    return Number(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.stdin.close().catch(() => {});
    await this.#output.cancel().catch(() => {});
    await this.#errors;
    await this.#process.status;
  }
}
