/** A name server that takes every question and answers none. */
import { TextFile } from "./text_file.ts";

/** Where no other server is expected; a resolver asks on port 53 only. */
const hostname = "127.53.53.53";

/** Dispose it once those that ask it have ended. */
export class SilentResolver implements AsyncDisposable {
  readonly #server: Deno.DatagramConn;
  readonly #file: TextFile;

  private constructor(server: Deno.DatagramConn, file: TextFile) {
    this.#server = server;
    this.#file = file;
  }

  static async start(): Promise<SilentResolver> {
    const server = Deno.listenDatagram({ transport: "udp", hostname, port: 53 });
    // It waits longer for an answer than any test does.
    return new SilentResolver(
      server,
      await TextFile.write(`nameserver ${hostname}\noptions timeout:30 attempts:5\n`),
    );
  }

  /** The words in front of a command that has to ask it. */
  get inside(): readonly string[] {
    return [...inMountNamespace, `mount --bind ${this.#file.path} /etc/resolv.conf && exec "$@"`, "sh"];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await this.#file[Symbol.asyncDispose]();
  }
}

const inMountNamespace = ["unshare", "-m", "sh", "-c"] as const;

async function reasonAgainst(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "mount namespaces are Linux's";
  try {
    await using resolver = await SilentResolver.start();
    const [command, ...args] = [...resolver.inside, "true"];
    const { success, stderr } = new Deno.Command(command!, { args }).outputSync();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    return error instanceof Error ? error.message : String(error);
  }
}

/** Why this machine cannot have one; undefined where it can. */
export const noSilentResolver: string | undefined = await reasonAgainst();
