import type { Balancer, Started } from "../control/balancer.ts";
import type { Log } from "../observe/log.ts";
import { formatAddress } from "../values/address.ts";
import { version } from "./version.ts";

/** Logs what was decided at the start: version, engine and why, limits, binds, pools. */
export function logStart(
  log: Log,
  { path, started, balancer }: { path: string; started: Started; balancer: Balancer },
): void {
  const { config } = balancer;
  const { engine, engineReason, workers, maxConnections } = started;
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
