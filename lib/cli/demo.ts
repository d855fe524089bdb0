import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { Balancer } from "../control/balancer.ts";
import type { BalancerEvent } from "../control/events.ts";
import { ListenError } from "../control/listeners.ts";
import type { TargetView } from "../control/state.ts";
import { bindFailureLine } from "./bind_failure.ts";
import { type Command, exit, type Invocation, type Terminal } from "./command.ts";
import { type DemoServer, demoServers } from "./demo_servers.ts";
import { onSignals } from "./signals.ts";

const refreshMs = 500;

/** `lb demo` */
export const demoCommand: Command = {
  name: "demo",
  summary: "Show a balancer at work with three small servers of its own",
  synopsis: "[--port 8080]",
  help:
    `Starts three small HTTP servers and a balancer in front of them. Server C fails now and then, so that you see a
health check take it out and bring it back. Says what to try with curl. Ctrl-C ends it.

      --port N   where the balancer listens on 127.0.0.1 (8080, or any free port when that one is taken)`,
  options: { port: { type: "string" } },
  run: demo,
};

async function demo({ values, terminal }: Invocation): Promise<number> {
  const text = values["port"];
  const port = text === undefined ? undefined : Number(text);
  if (port !== undefined && !(/^\d+$/.test(String(text)) && port <= 65_535)) {
    terminal.printError(`lb demo: --port ${JSON.stringify(text)}: wanted a number from 0 to 65535`);
    return exit.usage;
  }
  using signals = onSignals();
  await using servers = demoServers();
  const screen = new Screen(terminal, servers.list);
  const balancer = new Balancer({
    config: demoConfig(port ?? freePort(8080), servers.list),
    onEvent: (event) => screen.event(event),
  });
  try {
    const started = await Promise.race([balancer.start(), signals.stop]);
    if (typeof started === "string") return exit.ok;
    const { bind } = balancer.state().listeners["web"]!;
    screen.begin(bind[0]!);
    const targets = () => balancer.state().pools["app"]?.targets ?? [];
    const timer = setInterval(() => screen.refresh(targets()), refreshMs);
    await signals.stop;
    clearInterval(timer);
    screen.end();
  } catch (error) {
    terminal.printError(`lb demo: ${whyNotStarted(error)}`);
    return exit.failed;
  } finally {
    await balancer.stop();
  }
  return exit.ok;
}

function whyNotStarted(error: unknown): string {
  if (error instanceof ListenError) {
    return bindFailureLine({ listener: error.listener, address: error.address, cause: error.message });
  }
  return error instanceof Error ? error.message : String(error);
}

/** `wanted` when it is free, else 0: any free one. */
function freePort(wanted: number): number {
  try {
    Deno.listen({ hostname: "127.0.0.1", port: wanted }).close();
    return wanted;
  } catch {
    return 0;
  }
}

function demoConfig(port: number, servers: readonly DemoServer[]): Config {
  const targets = servers.map(({ address }) => `"${address}"`).join(", ");
  const loaded = loadConfig(
    `
listeners: { web: { bind: "127.0.0.1:${port}", pool: app } }
pools:
  app:
    targets: [${targets}]
    health: { check: http, path: /health, expect: { body: up }, interval: 1s, fastInterval: 500ms, downInterval: 1s }
`,
    { file: "demo", env: () => undefined },
  );
  if ("diagnostics" in loaded) {
    throw new Error(`the demo's own configuration: ${JSON.stringify(loaded.diagnostics)}`);
  }
  return loaded.config;
}

/** What the demo shows: a line for each event, and one line that is kept up to date (on a terminal) or printed when it changed. */
class Screen {
  readonly #terminal: Terminal;
  readonly #servers: readonly DemoServer[];
  readonly #live: boolean;
  #shown = "";

  constructor(terminal: Terminal, servers: readonly DemoServer[]) {
    this.#terminal = terminal;
    this.#servers = servers;
    this.#live = terminal.isTerminal;
  }

  begin(address: string): void {
    const url = `http://${address}`;
    const where = this.#servers.map(({ name, address }) => `${name} ${address}`).join("   ");
    this.#print(`lb demo: three servers (${where}) behind ${url}

Try in another terminal:
  curl ${url}                                  answers in turn from A, B, C
  for i in $(seq 9); do curl -s ${url}; done   three from each
  curl ${url}/health                           what a health check sees
Server C says "down" for a while now and then: watch it leave and come back. Ctrl-C ends the demo.
`);
  }

  event(event: BalancerEvent): void {
    if (event.kind !== "health") return;
    const { target, from, to, detail } = event;
    const name = this.#servers.find(({ address }) => address === target)?.name ?? target;
    if (from === "checking" && to === "up") return;
    this.#print(`${time()} server ${name} is ${to}: ${detail}`);
  }

  refresh(targets: readonly TargetView[]): void {
    const columns = targets.map(({ address, state, total, failed }) => {
      const name = this.#servers.find((server) => server.address === address)?.name ?? address;
      return `${name} ${state.padEnd(4)} ${String(total).padStart(6)} sessions${
        failed > 0 ? `, ${failed} failed` : ""
      }`;
    });
    const line = columns.join("   ");
    if (line === this.#shown) return;
    this.#shown = line;
    if (this.#live) this.#terminal.write(`\r\x1b[K${line}`);
    else this.#terminal.print(`${time()} ${line}`);
  }

  end(): void {
    if (this.#live) this.#terminal.print("");
  }

  #print(text: string): void {
    this.#terminal.print(this.#live ? `\r\x1b[K${text}` : text);
    this.#shown = "";
  }
}

function time(): string {
  return new Date().toISOString().slice(11, 19);
}
