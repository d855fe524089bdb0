import type { Config } from "../config/config.ts";
import { formatDiagnostics } from "../config/diagnostic.ts";
import { Balancer } from "../control/balancer.ts";
import { type Change, describeChange } from "../control/change.ts";
import { ListenError } from "../control/listeners.ts";
import { StartError } from "../control/outcomes.ts";
import { type Log, openLog } from "../observe/log.ts";
import { LogThread } from "../observe/log_thread.ts";
import { bindFailureLine } from "./bind_failure.ts";
import { type Command, configOption, exit, type Invocation, type Terminal } from "./command.ts";
import { readConfig } from "./config_file.ts";
import { Reporter } from "./reporter.ts";
import { oneAtATime, onSignals, type Signals } from "./signals.ts";
import { logStart } from "./start_lines.ts";
import { keepLookupThread } from "./thread_keeper.ts";
import { watchFile } from "./watch.ts";

/** How long the log may make no progress at the end before its last lines are given up. */
const logFlushMs = 1_000;

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

Signals: TERM drains and exits 0: not ready any more, it accepts for process.drain.delay, closes the listeners, lets
open sessions end, and cuts at process.drain.deadline what is left. While lb starts, TERM ends it at once. A second
TERM, or INT, stops at once; HUP reloads the file, but not while it drains. A file with mistakes changes nothing.`,
  options: { ...configOption, watch: { type: "boolean" } },
  run,
};

async function run({ values, terminal }: Invocation): Promise<number> {
  // First of all: without a listener for a signal, Deno itself panics when it is out of descriptors early on.
  using signals = onSignals();
  using _keeper = keepLookupThread();
  const path = String(values["config"]);
  // Before the file is read: what changes while lb starts is a change too.
  using _watcher = values["watch"] === true ? watchFile(path, () => signals.hangup()) : undefined;
  const file = readConfig(path, terminal.env);
  if ("diagnostics" in file) {
    for (const line of formatDiagnostics(file)) terminal.printError(line);
    return exit.configInvalid;
  }
  const log = await openLog(logOptions(file.config, terminal));
  for (const line of formatDiagnostics(file)) log.warn(line);
  try {
    return await serve({ path, config: file.config, terminal, log, signals });
  } finally {
    await log.flush(logFlushMs);
  }
}

interface Service {
  readonly path: string;
  readonly config: Config;
  readonly terminal: Terminal;
  readonly log: Log;
  readonly signals: Signals;
}

async function serve({ path, config, terminal, log, signals }: Service): Promise<number> {
  using reporter = new Reporter({
    log,
    limited: () => balancer.config.log.access !== "all",
  });
  const balancer: Balancer = new Balancer({ config, onEvent: (event) => reporter.report(event) });
  const failed = start(balancer, { log, path });
  const early = await Promise.race([failed, signals.stop]);
  if (typeof early === "number") return early;

  signals.onHangup(oneAtATime(() => reload(path, { balancer, log, env: terminal.env })));
  const asked = early ?? await signals.stop;
  signals.onHangup(() =>
    log.error(`reload refused: lb is stopping; generation ${balancer.generation} stays in force`)
  );
  const ended = asked === "now" ? asked : await Promise.race([balancer.drain(), signals.now]);
  const cut = balancer.openSessions;
  if (ended === "now" && cut > 0) log.info(`stopping at once: ${cut} sessions are cut`);
  await balancer.stop();
  reporter[Symbol.dispose]();
  log.info("stopped");
  return exit.ok;
}

/** Starts and logs what was decided; resolves to an exit code when that fails. */
async function start(
  balancer: Balancer,
  { log, path }: { log: Log; path: string },
): Promise<number | undefined> {
  try {
    const started = await balancer.start();
    if (started !== "stopped") {
      logStart(log, { path, config: balancer.config, started, state: balancer.state() });
    }
    return undefined;
  } catch (error) {
    if (error instanceof StartError) log.error(`lb cannot start: ${error.message}`);
    else if (error instanceof ListenError) log.error(listenLine(error));
    else throw error;
    return exit.failed;
  }
}

function listenLine({ listener, address, failure: { code, message } }: ListenError): string {
  return bindFailureLine({ listener, address, code, cause: message });
}

/** Takes over the file as it is now. Never rejects: whatever goes wrong with a new configuration, the one in force goes on. */
async function reload(path: string, options: Parameters<typeof reloadFile>[1]): Promise<void> {
  try {
    await reloadFile(path, options);
  } catch (error) {
    options.log.error(`reload failed: ${error instanceof Error ? error.stack : error}`);
  }
}

async function reloadFile(
  path: string,
  { balancer, log, env }: { balancer: Balancer; log: Log; env: Terminal["env"] },
): Promise<void> {
  const file = readConfig(path, env);
  if ("diagnostics" in file) {
    for (const line of formatDiagnostics(file)) log.error(line);
    return log.error(`reload refused: generation ${balancer.generation} stays in force`);
  }
  for (const line of formatDiagnostics(file)) log.warn(line);
  const result = await balancer.reload(file.config);
  if (result.kind === "refused") {
    const problem = result.listenError === undefined ? result.problem : listenLine(result.listenError);
    return log.error(`reload refused: ${problem}; generation ${balancer.generation} stays in force`);
  }
  for (const key of result.change.afterRestart) {
    log.warn(`${key} changed: takes effect at the next restart`);
  }
  log.info(`reloaded ${path}: generation ${balancer.generation}, ${changeText(result.change)}`, {
    generation: balancer.generation,
  });
}

/** What a reload has changed, at most so many things of it. */
const maxPhrases = 10;

function changeText(change: Change): string {
  const phrases = describeChange({ ...change, afterRestart: [] });
  if (phrases.length === 0) return "nothing has changed";
  const more = phrases.length - maxPhrases;
  return phrases.slice(0, maxPhrases).join(", ") + (more > 0 ? ` and ${more} more changes` : "");
}

function logOptions({ log }: Config, { isTerminal }: Terminal): Parameters<typeof openLog>[0] {
  const isText = log.format === "text" || (log.format === "auto" && isTerminal);
  const format = isText ? "text" : "json";
  return { level: log.level, format, lines: new LogThread({ format }) };
}
