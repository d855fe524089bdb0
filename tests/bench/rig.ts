/** Everything that runs beside the bench: two targets, and the servers in front of them. */
import { dirname } from "node:path";
import { startWords } from "../support/start_task.ts";
import { bulkBytes, haproxyCfg, lbYaml, nginxConf, type Setup, targetConf } from "./configurations.ts";
import { type Host, type Leg } from "./leg.ts";
import type { Endpoint } from "./listening.ts";
import type { Options } from "./options.ts";
import { type Launch, ServerProcess } from "./process.ts";
import { pathOf } from "./programs.ts";
import { lbOf, type ServerName } from "./server_names.ts";

/** A server under a name, to send load to; `process` undefined for `direct`, which has no balancer. */
export interface Server {
  readonly name: ServerName;
  readonly endpoint: Endpoint;
  readonly process: ServerProcess | undefined;
}

/** How a configured server is started; the rig adds where. */
type Program = Pick<Launch, "command" | "stopSignal">;

/** Owns its leg. Dispose it to have every process ended, the folder removed and the leg disposed. */
export class Rig implements AsyncDisposable {
  readonly leg: Leg;
  readonly #folder: string;
  readonly #lb: Options["lb"];
  readonly #running = new Set<ServerProcess>();
  readonly #targets: Endpoint[] = [];
  #folders = 0;
  #disposing: Promise<void> | undefined;

  constructor({ leg, lb }: { leg: Leg; lb: Options["lb"] }) {
    this.leg = leg;
    this.#lb = lb;
    this.#folder = Deno.makeTempDirSync({ prefix: "lb-bench-" });
  }

  /** Starts the two targets, which the servers need. */
  async startTargets(): Promise<void> {
    for (const name of ["target 1", "target 2"]) this.#targets.push(await this.#startTarget(name));
  }

  /** Starts these servers, each on a port of its own. */
  async start(names: readonly ServerName[], { threads }: { threads: number }): Promise<Server[]> {
    const servers: Server[] = [];
    for (const name of names) {
      if (name === "direct") {
        servers.push({ name, endpoint: this.#targets[0]!, process: undefined });
        continue;
      }
      const endpoint = { address: this.leg.balancer.address, port: freePort() };
      const targets = this.#targets.map(({ address, port }) => `${address}:${port}`);
      const setup = { ...endpoint, targets, threads, folder: this.#ownFolder() };
      const program = configure(name, { setup, lb: this.#lb });
      servers.push({ name, endpoint, process: await this.#run({ name, endpoint, ...program }) });
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
    try {
      await Promise.all([...this.#running].map((process) => process[Symbol.asyncDispose]()));
      await Deno.remove(this.#folder, { recursive: true });
    } finally {
      this.leg[Symbol.dispose]();
    }
  }

  async #startTarget(name: string): Promise<Endpoint> {
    const folder = this.#ownFolder();
    const endpoint = { address: this.leg.target.address, port: freePort() };
    Deno.writeTextFileSync(`${folder}/nginx.conf`, targetConf({ ...endpoint, folder }));
    Deno.writeFileSync(`${folder}/bulk`, new Uint8Array(bulkBytes).fill(0x62));
    await this.#run({ name, endpoint, ...nginxProgram(folder) }, this.leg.target);
    return endpoint;
  }

  #ownFolder(): string {
    const folder = `${this.#folder}/${++this.#folders}`;
    Deno.mkdirSync(folder);
    return folder;
  }

  async #run(launch: Omit<Launch, "host">, host: Host = this.leg.balancer): Promise<ServerProcess> {
    if (this.#disposing !== undefined) throw new Error(`${launch.name} is not started: the run is over`);
    // Known before it is waited for, so that an interrupted start leaves nothing behind.
    const process = new ServerProcess({ ...launch, host });
    this.#running.add(process);
    await process.ready();
    return process;
  }
}

/** Writes the configuration into the server's folder and says how to start. */
function configure(
  name: Exclude<ServerName, "direct">,
  { setup, lb }: { setup: Setup; lb: Options["lb"] },
): Program {
  const { folder } = setup;
  const tuned = name.endsWith("-tuned");
  const own = lbOf(name);
  if (own !== undefined) {
    Deno.writeTextFileSync(`${folder}/lb.yaml`, lbYaml(own.engine, setup));
    const command = [...lbWords(own.engine, lb[own.program ?? ""]), "run", "-c", `${folder}/lb.yaml`];
    // TERM would wait for the sessions that are open.
    return { command, stopSignal: "SIGINT" };
  }
  if (name === "haproxy" || name === "haproxy-tuned") {
    Deno.writeTextFileSync(`${folder}/haproxy.cfg`, haproxyCfg(tuned, setup));
    return { command: [pathOf("haproxy")!, "-db", "-f", `${folder}/haproxy.cfg`], stopSignal: "SIGTERM" };
  }
  Deno.writeTextFileSync(`${folder}/nginx.conf`, nginxConf(tuned, setup));
  return nginxProgram(folder);
}

function nginxProgram(folder: string): Program {
  const command = [pathOf("nginx")!, "-e", `${folder}/error.log`, "-c", `${folder}/nginx.conf`];
  return { command, stopSignal: "SIGTERM" };
}

/** The words up to lb's command: of this tree, of another one's main.ts, or a binary. */
function lbWords(engine: "linux" | "portable", path: string | undefined): string[] {
  if (path === undefined) return startWords(engine);
  const absolute = Deno.realPathSync(path);
  return absolute.endsWith(".ts") ? startWords(engine, `${dirname(absolute)}/`) : [absolute];
}

/** A port that nobody has on this machine's loopback; in the namespaces nobody has any. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
