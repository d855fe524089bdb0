/** Everything that runs beside the bench: two targets, and the servers in front of them. */
import { bulkBytes, haproxyCfg, lbYaml, nginxConf, type Place, targetConf } from "./configurations.ts";
import { type Launch, ServerProcess } from "./process.ts";
import { startWords } from "../support/start_task.ts";
import { pathOf } from "./programs.ts";
import type { ServerName } from "./server_names.ts";

/** A server under a name, to send load to; `process` undefined for `direct`, which has no balancer. */
export interface Server {
  readonly name: ServerName;
  readonly port: number;
  readonly process: ServerProcess | undefined;
}

/** Dispose it to have every process ended and the folder removed. */
export class Rig implements AsyncDisposable {
  readonly #folder: string;
  readonly #lb: string | undefined;
  readonly #running = new Set<ServerProcess>();
  #targets: readonly number[] = [];
  #places = 0;
  #disposing: Promise<void> | undefined;

  private constructor(folder: string, lb: string | undefined) {
    this.#folder = folder;
    this.#lb = lb;
  }

  /** Starts the targets; `lb` undefined = this tree. */
  static async start({ lb }: { lb: string | undefined }): Promise<Rig> {
    const rig = new Rig(await Deno.makeTempDir({ prefix: "lb-bench-" }), lb);
    try {
      rig.#targets = [await rig.#startTarget(), await rig.#startTarget()];
      return rig;
    } catch (error) {
      await rig[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts these servers, each on a port of its own. */
  async start(names: readonly ServerName[], { threads }: { threads: number }): Promise<Server[]> {
    const servers: Server[] = [];
    for (const name of names) {
      if (name === "direct") {
        servers.push({ name, port: this.#targets[0]!, process: undefined });
        continue;
      }
      const place = { port: freePort(), targets: this.#targets, threads, folder: this.#ownFolder() };
      const process = await this.#run(launchOf(name, place, this.#lb));
      servers.push({ name, port: place.port, process });
    }
    return servers;
  }

  /** Ends servers that `start` gave. */
  async stop(servers: readonly Server[]): Promise<void> {
    for (const { process } of servers) {
      if (process === undefined) continue;
      await process[Symbol.asyncDispose]();
      this.#running.delete(process);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposing ??= this.#endAll();
  }

  async #endAll(): Promise<void> {
    await Promise.all([...this.#running].map((process) => process[Symbol.asyncDispose]()));
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #startTarget(): Promise<number> {
    const [port, folder] = [freePort(), this.#ownFolder()];
    Deno.writeTextFileSync(`${folder}/nginx.conf`, targetConf({ port, folder }));
    Deno.writeFileSync(`${folder}/bulk`, new Uint8Array(bulkBytes).fill(0x62));
    await this.#run({ name: "the target", command: nginxCommand(folder), port, stopSignal: "SIGTERM" });
    return port;
  }

  #ownFolder(): string {
    const folder = `${this.#folder}/${++this.#places}`;
    Deno.mkdirSync(folder);
    return folder;
  }

  async #run(launch: Launch): Promise<ServerProcess> {
    // Known before it is waited for, so that an interrupted start leaves nothing behind.
    const process = new ServerProcess(launch);
    this.#running.add(process);
    await process.ready();
    return process;
  }
}

/** Writes the configuration into the place's folder and says how to start. */
function launchOf(name: Exclude<ServerName, "direct">, place: Place, lb: string | undefined): Launch {
  const { port, folder } = place;
  const tuned = name.endsWith("-tuned");
  if (name === "lb-linux" || name === "lb-portable") {
    const engine = name === "lb-linux" ? "linux" : "portable";
    Deno.writeTextFileSync(`${folder}/lb.yaml`, lbYaml(engine, place));
    const command = [...lbProgram(engine, lb), "run", "-c", `${folder}/lb.yaml`];
    // TERM would wait for the sessions that are open.
    return { name, command, port, stopSignal: "SIGINT" };
  }
  if (name === "haproxy" || name === "haproxy-tuned") {
    Deno.writeTextFileSync(`${folder}/haproxy.cfg`, haproxyCfg(tuned, place));
    return {
      name,
      command: [pathOf("haproxy")!, "-db", "-f", `${folder}/haproxy.cfg`],
      port,
      stopSignal: "SIGTERM",
    };
  }
  Deno.writeTextFileSync(`${folder}/nginx.conf`, nginxConf(tuned, place));
  return { name, command: nginxCommand(folder), port, stopSignal: "SIGTERM" };
}

function nginxCommand(folder: string): string[] {
  return [pathOf("nginx")!, "-e", `${folder}/error.log`, "-c", `${folder}/nginx.conf`];
}

function lbProgram(engine: "linux" | "portable", lb: string | undefined): string[] {
  if (lb !== undefined) return [lb];
  return startWords(engine);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
