import type { Config } from "../config/config.ts";
import { formatDiagnostics } from "../config/diagnostic.ts";
import { type Command, configOption, exit, type Invocation } from "./command.ts";
import { readConfig } from "./config_file.ts";
import { tryConfig } from "./live_check.ts";

/** `lb check` */
export const checkCommand: Command = {
  name: "check",
  summary: "Say what is wrong with a configuration",
  synopsis: "[-c lb.yaml] [--live] [--json]",
  help:
    `Reads the configuration and says everything that is wrong with it, a line each, in the order of the file:

  lb.yaml:7:16 pools.app.algorithm: "leest-conn" is not an algorithm; did you mean "leastConnections"?

Prints one line and exits 0 when nothing is, 3 when something is. Keys that are understood but have no effect in this
version are noted.

  -c, --config FILE   the configuration (lb.yaml)
      --live          try it as well: bind every listener, resolve and probe every target once; exits 1 when one fails
      --json          one JSON object instead of lines`,
  options: { ...configOption, live: { type: "boolean" }, json: { type: "boolean" } },
  run: check,
};

async function check({ values, terminal }: Invocation): Promise<number> {
  const path = String(values["config"]);
  const json = values["json"] === true;
  const file = readConfig(path, terminal.env);
  if ("diagnostics" in file) {
    const { diagnostics: errors, more } = file;
    if (json) terminal.print(JSON.stringify({ ok: false, errors, more, notes: [], live: [] }));
    else for (const line of formatDiagnostics(file)) terminal.printError(line);
    return exit.configInvalid;
  }
  const live = values["live"] === true ? await tryConfig(file.config) : [];
  const ok = live.every((trial) => trial.ok);
  if (json) {
    terminal.print(JSON.stringify({ ok, errors: [], notes: file.notes, more: file.more, live }));
  } else {
    for (const line of formatDiagnostics(file)) terminal.printError(`note: ${line}`);
    for (const { what, detail, ok } of live) if (!ok) terminal.printError(`${path}: ${what}: ${detail}`);
    if (ok) {
      terminal.print(`${path}: ok, ${summary(file.config)}${live.length > 0 ? ", all of it answers" : ""}`);
    }
  }
  return ok ? exit.ok : exit.failed;
}

function summary({ listeners, pools }: Config): string {
  const targets = pools.reduce((sum, pool) => sum + pool.targets.length, 0);
  return [[listeners.length, "listener"], [pools.length, "pool"], [targets, "target"]]
    .map(([count, word]) => `${count} ${word}${count === 1 ? "" : "s"}`).join(", ");
}
