import type { Config } from "../config/config.ts";
import type { Started } from "../control/outcomes.ts";
import type { State } from "../control/state.ts";
import type { Log } from "../observe/log.ts";
import { version } from "./version.ts";

export interface StartLines {
  readonly path: string;
  readonly config: Config;
  readonly started: Started;
  readonly state: State;
}

/** Logs what was decided at the start: version, engine and why, limits, binds, pools, names. */
export function logStart(log: Log, { path, config, started, state }: StartLines): void {
  const { engine, engineReason } = started;
  const { workers, maxConnections } = state;
  const asked = config.process.maxConnections;
  const wanted = Number.isFinite(asked) ? asked : "none";
  const lowered = maxConnections < asked ? ` (asked ${wanted}, the descriptor limit allows no more)` : "";
  log.info(
    `lb ${version} started with ${path}: engine ${engine} (${engineReason}), workers ${workers}, ` +
      `maxConnections ${maxConnections}${lowered}`,
    { version, engine, engineReason, workers, maxConnections, config: path },
  );
  if (started.engineWarning) {
    log.warn(`engine portable stands in, which costs more CPU and cannot pass a reset on: ${engineReason}`, {
      engine,
      engineReason,
    });
  }
  if (!started.descriptorsCounted) {
    log.warn(
      `the descriptor limit is not known (neither /dev/null nor / can be opened): ${maxConnections} sessions need ` +
        `${2 * maxConnections} descriptors`,
    );
  }
  for (const [name, { bind, pool }] of Object.entries(state.listeners)) {
    log.info(`listener ${name} on ${bind.join(", ")} -> pool ${pool}`, { listener: name, bind, pool });
  }
  for (const [name, { algorithm, targets }] of Object.entries(state.pools)) {
    const up = targets.filter(({ state }) => state === "up").length;
    log.info(`pool ${name}: ${algorithm}, ${up} of ${targets.length} targets up`, {
      pool: name,
      algorithm,
      targets: targets.map(({ address, state, resolved }) => ({ address, state, resolved })),
    });
  }
}
