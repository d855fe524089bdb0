import type { Config } from "../config/config.ts";
import { formatDiagnostic } from "../config/diagnostic.ts";
import { Balancer, type Started, StartError } from "../control/balancer.ts";
import { ListenError } from "../control/thread.ts";
import { type Log, openLog } from "../observe/log.ts";
import { formatAddress } from "../values/address.ts";
import { formatDuration } from "../values/duration.ts";
import { type Command, configOption, exit, type Invocation, type Terminal } from "./command.ts";
import { readConfig } from "./config_file.ts";
import { Reporter } from "./reporter.ts";
import { oneAtATime, onSignals } from "./signals.ts";
import { version } from "./version.ts";
import { watchFile } from "./watch.ts";

/** How long the last log lines may take at the end. */
const lastLinesMs = 1_000;

/** `lb run` */
export const runCommand: Command = {
  name: "run",
  summary: "Run the balancer in the foreground",
  synopsis: "[-c lb.yaml] [--watch]",
  help: `Runs the balancer that lb.yaml describes, in the foreground, until it is told to stop.

  -c, --config FILE   the configuration (lb.yaml)
      --watch         reload whenever the file changes

The smallest useful file:

  listeners: { web: { bind: "0.0.0.0:8080", pool: app } }
  pools: { app: { targets: ["127.0.0.1:9001", "127.0.0.1:9002"] } }

Signals: TERM closes the listeners, lets open sessions end (process.drain.deadline) and exits 0; a second TERM, or
INT, stops at once; HUP reloads the file. A file with mistakes changes nothing.`,
  options: { ...configOption, watch: { type: "boolean" } },
  run,
};

async function run({ values, terminal }: Invocation): Promise<number> {
  // First of all: without a listener for a signal, Deno itself panics when it is out of descriptors early on.
  using signals = onSignals();
  const path = String(values["config"]);
  const file = await readConfig(path, terminal.env);
  if ("diagnostics" in file) {
    for (const diagnostic of file.diagnostics) terminal.complain(formatDiagnostic(diagnostic));
    return exit.configInvalid;
  }
  const log = await openLog(logOptions(file.config, terminal));
  for (const note of file.notes) log.warn(formatDiagnostic(note));
  try {
    return await serve({
      path,
      config: file.config,
      terminal,
      log,
      signals,
      watch: values["watch"] === true,
    });
  } finally {
    await log.flush(lastLinesMs);
  }
}

interface Service {
  readonly path: string;
  readonly config: Config;
  readonly terminal: Terminal;
  readonly log: Log;
  readonly signals: ReturnType<typeof onSignals>;
  readonly watch: boolean;
}

async function serve({ path, config, terminal, log, signals, watch }: Service): Promise<number> {
  const died = Promise.withResolvers<"died">();
  using reporter = new Reporter({
    log,
    limited: config.log.access !== "all",
    onDeath: () => died.resolve("died"),
  });
  const balancer = new Balancer({ config, onEvent: (event) => reporter.report(event) });
  try {
    const started = await balancer.start();
    logStart(log, { path, config, started, balancer });
  } catch (error) {
    if (error instanceof StartError) {
      log.error(`lb cannot start: ${error.message}`);
      return exit.failed;
    }
    if (!(error instanceof ListenError)) throw error;
    log.error(
      `listener ${error.listener} cannot listen on ${formatAddress(error.address)}: ${error.message}; ` +
        "stop what holds it or bind elsewhere",
    );
    return exit.failed;
  }

  const reload = oneAtATime(async () => {
    try {
      await reloadFile(path, { balancer, log, env: terminal.env });
    } catch (error) {
      // Whatever goes wrong with a new configuration, the one in force goes on.
      log.error(`reload failed: ${error instanceof Error ? error.stack : error}`);
    }
  });
  using _watcher = watch ? watchFile(path, reload) : undefined;
  signals.onHangup(reload);
  const ended = await Promise.race([signals.stop, died.promise]);
  if (ended === "died") {
    await balancer.stop();
    return exit.failed;
  }
  if (ended === "drain") await drain(balancer, { log, signals, config });
  await balancer.stop();
  reporter[Symbol.dispose]();
  log.info("stopped");
  return exit.ok;
}

async function drain(
  balancer: Balancer,
  { log, signals, config }: Pick<Service, "log" | "signals" | "config">,
): Promise<void> {
  const { deadlineMs } = config.process.drain;
  const deadline = Number.isFinite(deadlineMs)
    ? `cut in ${formatDuration(deadlineMs)} at the latest`
    : "without a deadline";
  log.info(`draining: no new sessions, ${balancer.openSessions} open ones end, ${deadline}`);
  const ended = await Promise.race([balancer.drain(), signals.now]);
  if (ended === "now") log.info(`stopping at once: ${balancer.openSessions} sessions are cut`);
}

async function reloadFile(
  path: string,
  { balancer, log, env }: { balancer: Balancer; log: Log; env: Terminal["env"] },
): Promise<void> {
  const file = await readConfig(path, env);
  if ("diagnostics" in file) {
    for (const diagnostic of file.diagnostics) log.error(formatDiagnostic(diagnostic));
    return log.error(`reload refused: generation ${balancer.generation} stays in force`);
  }
  for (const note of file.notes) log.warn(formatDiagnostic(note));
  const result = await balancer.reload(file.config);
  if (result.kind === "refused") {
    return log.error(`reload refused: ${result.problem}; generation ${balancer.generation} stays in force`);
  }
  for (const key of result.afterRestart) log.warn(`${key} changed: takes effect at the next restart`);
  log.info(`reloaded ${path}: generation ${balancer.generation}`, { generation: balancer.generation });
}

function logOptions({ log: { level, format } }: Config, { stdout }: Terminal): Parameters<typeof openLog>[0] {
  const text = format === "text" || (format === "auto" && stdout.isTerminal());
  return { level, format: text ? "text" : "json", output: stdout };
}

function logStart(
  log: Log,
  { path, config, started, balancer }: { path: string; config: Config; started: Started; balancer: Balancer },
): void {
  const { engine, engineReason, workers, maxConnections } = started;
  const asked = config.process.maxConnections;
  const lowered = maxConnections < asked ? ` (asked ${asked}, the descriptor limit allows no more)` : "";
  log.info(
    `lb ${version} started with ${path}: engine ${engine} (${engineReason}), workers ${workers}, ` +
      `maxConnections ${maxConnections}${lowered}`,
    { version, engine, engineReason, workers, maxConnections, config: path },
  );
  for (const { name, addresses } of started.listeners) {
    const bind = addresses.map(formatAddress);
    const pool = config.listeners.find((listener) => listener.name === name)?.pool;
    log.info(`listener ${name} on ${bind.join(", ")} -> pool ${pool}`, { listener: name, bind, pool });
  }
  const targets = balancer.targets();
  for (const { name, algorithm } of config.pools) {
    const own = targets.filter(({ pool }) => pool === name);
    const up = own.filter(({ state }) => state === "up").length;
    log.info(`pool ${name}: ${algorithm}, ${up} of ${own.length} targets up`, {
      pool: name,
      algorithm,
      targets: own.map(({ address, state }) => ({ address, state })),
    });
  }
}
