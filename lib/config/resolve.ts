import * as v from "./valibot.ts";
import { builtIn } from "./built_in.ts";
import type { Config, HealthConfig, ListenerConfig, PoolConfig, Timeouts } from "./config.ts";
import { mappingAt, only, overlay, valueAt } from "./layers.ts";
import { isMapping, type Mapping } from "./located.ts";
import * as schema from "./schema.ts";

/**
 * Fills in every default of a checked file: built-in < defaults < listener or pool < target.
 * Throws valibot's error when the file was not checked before: that would be a mistake of this program.
 */
export function resolveConfig(file: Mapping): Config {
  const base = builtIn();
  const { drain, ...process } = v.parse(schema.processKeys(), overlay([base.process, file["process"]]));
  const admin = overlay([base.admin, file["admin"]]);
  return {
    process: {
      ...process,
      // Off means that nothing is spread, not that it is spread for ever.
      drain: {
        deadlineMs: drain.deadline,
        closeSpreadMs: drain.closeSpread === Infinity ? 0 : drain.closeSpread,
      },
    },
    admin: admin === "none" ? undefined : v.parse(schema.admin(), admin),
    log: v.parse(schema.log(), overlay([base.log, file["log"]])),
    listeners: Object.keys(mappingAt(file, "listeners")).map((name) => resolveListener(file, name)),
    pools: Object.keys(mappingAt(file, "pools")).map((name) => resolvePool(file, name)),
  };
}

function resolveListener(file: Mapping, name: string): ListenerConfig {
  const keys = Object.keys(schema.listener().entries);
  const defaults = mappingAt(file, "defaults");
  const written = mappingAt(mappingAt(file, "listeners"), name);
  const merged = overlay([builtIn().listener, only(defaults, keys), written]);
  const pool = mappingAt(mappingAt(file, "pools"), String(valueAt(merged, "pool")));
  const layers = [{ timeouts: builtIn().timeouts }, merged, only(pool, ["timeouts"])];
  const { bind, timeouts, ...settings } = v.parse(schema.listener(), overlay(layers));
  return { name, ...settings, bind: Array.isArray(bind) ? bind : [bind], timeouts: inMs(timeouts) };
}

function inMs(timeouts: v.InferOutput<ReturnType<typeof schema.timeouts>>): Timeouts {
  return {
    connectMs: timeouts.connect,
    idleMs: timeouts.idle,
    halfClosedMs: timeouts.halfClosed,
    stallMs: timeouts.stall,
    lifetimeMs: timeouts.lifetime,
    queueMs: timeouts.queue,
  };
}

function resolvePool(file: Mapping, name: string): PoolConfig {
  const keys = Object.keys(schema.pool().entries);
  const defaults = mappingAt(file, "defaults");
  const written = mappingAt(mappingAt(file, "pools"), name);
  const merged = overlay([
    { ...builtIn().pool, timeouts: builtIn().timeouts },
    only(defaults, keys),
    written,
  ]);
  // The targets first: in their long form with every key, as the schema of a resolved pool wants them.
  const targets = itemsOf(valueAt(merged, "targets")).map(fillTarget);
  const found = v.parse(schema.pool(), overlay([merged, { targets }]));
  return {
    name,
    algorithm: found.algorithm,
    targets: v.parse(v.array(schema.target()), targets),
    health: found.health === undefined ? { check: "none" } : resolveHealth(found.health),
    ejection: found.ejection === undefined ? undefined : {
      consecutiveFailures: found.ejection.consecutiveFailures,
      baseTimeMs: found.ejection.baseTime,
      maxTimeMs: found.ejection.maxTime,
      maxShare: found.ejection.maxShare,
    },
    slowStartMs: finite(found.slowStart),
    retry: found.retry,
    queue: found.queue,
    holdMs: finite(found.hold),
    onTargetDown: found.onTargetDown,
    failOpen: found.failOpen,
  };
}

function itemsOf(list: unknown): readonly unknown[] {
  return Array.isArray(list) ? list : [];
}

function fillTarget(written: unknown): unknown {
  return overlay([builtIn().target, isMapping(written) ? written : { address: written }]);
}

function resolveHealth(found: v.InferOutput<ReturnType<typeof schema.health>>): HealthConfig {
  const { check, host, port, path, method, expect } = found;
  if (check === "none") return { check };
  const timing = {
    intervalMs: found.interval,
    timeoutMs: found.timeout,
    rise: found.rise,
    fall: found.fall,
    fastIntervalMs: found.fastInterval,
    downIntervalMs: found.downInterval,
    jitter: found.jitter,
    initial: found.initial,
  };
  return check === "tcp" ? { check, port, timing } : { check, host, port, path, method, expect, timing };
}

function finite(ms: number): number | undefined {
  return ms === Infinity ? undefined : ms;
}
