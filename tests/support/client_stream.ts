/** Clients that come one after the other while something else happens, and what becomes of each. */
import { within } from "./eventually.ts";
import { writeAll } from "./target.ts";

/** Lanes at a time, the pause of each between two clients, and how long a client may take. */
const defaultLanes = 4;
const pauseMs = 5;
const bound = { maxMs: 30_000 };

export interface ClientStreamOptions {
  readonly port: number;
  readonly hostname?: string;
  readonly lanes?: number;
}

/**
 * Connects again and again, sends a byte, and reads to the end. What became of the clients is counted by what they read, or,
 * for those who read nothing, by `refused` (nobody listened), `reset`, `ended` (by a FIN), or else the error. Stop it before it is
 * disposed to have all of them counted.
 */
export class ClientStream implements AsyncDisposable {
  readonly #options: ClientStreamOptions;
  readonly #lanes: Promise<unknown>;
  readonly #outcomes = new Map<string, number>();
  #stopped = false;

  constructor(options: ClientStreamOptions) {
    this.#options = options;
    this.#lanes = Promise.all(Array.from({ length: options.lanes ?? defaultLanes }, () => this.#lane()));
  }

  /** How many clients there were so far with each outcome. */
  get outcomes(): { readonly [outcome: string]: number } {
    return Object.fromEntries(this.#outcomes);
  }

  count(outcome: string): number {
    return this.#outcomes.get(outcome) ?? 0;
  }

  /** No client comes any more; resolves to all outcomes once the last one has ended. */
  async stop(): Promise<{ readonly [outcome: string]: number }> {
    this.#stopped = true;
    await this.#lanes;
    return this.outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #lane(): Promise<void> {
    while (!this.#stopped) {
      const outcome = await within("the end of a client", this.#visit(), bound).catch(outcomeOf);
      this.#outcomes.set(outcome, this.count(outcome) + 1);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #visit(): Promise<string> {
    const { port, hostname = "127.0.0.1" } = this.#options;
    using conn = await Deno.connect({ hostname, port });
    await writeAll(conn, Uint8Array.of(120));
    await conn.closeWrite();
    const text = await readAll(conn);
    return text === "" ? "ended" : text;
  }
}

async function readAll(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(1024);
  let text = "";
  for (;;) {
    const size = await conn.read(buffer);
    if (size === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, size));
  }
}

function outcomeOf(error: unknown): string {
  const { ConnectionRefused, ConnectionReset, NotConnected, BrokenPipe } = Deno.errors;
  if (error instanceof ConnectionRefused) return "refused";
  // Deno cannot even tell the address of a connection that was reset before it was known here; a FIN cannot be sent on it.
  if ([ConnectionReset, NotConnected, BrokenPipe].some((kind) => error instanceof kind)) return "reset";
  return error instanceof Error ? error.message : String(error);
}
