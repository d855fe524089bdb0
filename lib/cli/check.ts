import type { Config } from "../config/config.ts";
import { type Diagnostic, formatDiagnostic } from "../config/diagnostic.ts";
import { checkFree } from "../control/binds.ts";
import { Prober } from "../health/prober.ts";
import { formatAddress } from "../values/address.ts";
import { type Command, configOption, exit, type Invocation } from "./command.ts";
import { readConfig } from "./config_file.ts";

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
  const file = await readConfig(path, terminal.env);
  if ("diagnostics" in file) {
    if (json) terminal.print(JSON.stringify({ ok: false, errors: file.diagnostics, notes: [], live: [] }));
    else for (const diagnostic of file.diagnostics) terminal.printError(formatDiagnostic(diagnostic));
    return exit.configInvalid;
  }
  const live = values["live"] === true ? await tryOut(file.config) : [];
  const ok = live.every((trial) => trial.ok);
  if (json) {
    terminal.print(JSON.stringify({ ok, errors: [], notes: file.notes, live }));
  } else {
    for (const note of file.notes) terminal.printError(formatNote(note));
    for (const { what, detail, ok } of live) if (!ok) terminal.printError(`${path}: ${what}: ${detail}`);
    if (ok) {
      terminal.print(`${path}: ok, ${summary(file.config)}${live.length > 0 ? ", all of it answers" : ""}`);
    }
  }
  return ok ? exit.ok : exit.failed;
}

function formatNote(note: Diagnostic): string {
  return `note: ${formatDiagnostic(note)}`;
}

function summary({ listeners, pools }: Config): string {
  const targets = pools.reduce((sum, pool) => sum + pool.targets.length, 0);
  return [[listeners.length, "listener"], [pools.length, "pool"], [targets, "target"]]
    .map(([count, word]) => `${count} ${word}${count === 1 ? "" : "s"}`).join(", ");
}

/** One thing that was tried for real. */
interface Trial {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

async function tryOut({ listeners, pools }: Config): Promise<Trial[]> {
  const binds = listeners.flatMap(({ name, bind }) =>
    bind.map(async (address): Promise<Trial> => {
      const what = `listener ${name} on ${formatAddress(address)}`;
      try {
        await checkFree(address);
        return { what, ok: true, detail: "can be bound" };
      } catch (error) {
        return { what, ok: false, detail: error instanceof Error ? error.message : String(error) };
      }
    })
  );
  using prober = new Prober();
  const targets = pools.flatMap(({ name, targets, health }) =>
    health.check === "none" ? [] : targets.map(async ({ address }): Promise<Trial> => {
      const target = { host: address.host, port: address.port, addresses: [address.host] };
      const { outcome, detail } = await prober.probe(health, target, {
        signal: new AbortController().signal,
      });
      return { what: `target ${name}/${formatAddress(address)}`, ok: outcome === "passed", detail };
    })
  );
  return await Promise.all([...binds, ...targets]);
}
