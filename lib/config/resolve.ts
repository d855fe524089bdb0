import type { Config, HealthConfig, ListenerConfig, PoolConfig, TargetConfig, Timeouts } from "./config.ts";
import { builtIn } from "./language/built_in.ts";
import { mappingAt, only, overlay, valueAt } from "./language/layers.ts";
import * as schema from "./language/schema.ts";
import * as v from "./language/valibot.ts";
import { isMapping, type Mapping } from "./yaml/located.ts";

/**
 * Fills in every default of a checked file: built-in < defaults < listener or pool < target.
 * Throws valibot's error when the file was not checked before: that would be a mistake of this program.
 */
export function resolveConfig(file: Mapping): Config {
  const base = builtIn();
  const { drain, ...process } = v.parse(schema.processKeys(), overlay([base.process, file["process"]]));
  const admin = overlay([base.admin, file["admin"]]);
  const resolver = new Resolver(file);
  return {
    process: {
      ...process,
      // Off means that nothing is spread, not that it is spread for ever.
      drain: {
        delayMs: drain.delay,
        deadlineMs: drain.deadline,
        closeSpreadMs: drain.closeSpread === Infinity ? 0 : drain.closeSpread,
      },
    },
    admin: admin === "none" ? undefined : v.parse(schema.admin(), admin),
    log: v.parse(schema.log(), overlay([base.log, file["log"]])),
    listeners: Object.keys(mappingAt(file, "listeners")).map((name) => resolver.listener(name)),
    pools: Object.keys(mappingAt(file, "pools")).map((name) => resolver.pool(name)),
  };
}

/** What the listeners and pools of one file have in common, made once for all of them. */
class Resolver {
  readonly #base = builtIn();
  readonly #listener = schema.listener();
  readonly #pool = schema.pool();
  readonly #target = schema.target();
  readonly #listeners: Mapping;
  readonly #pools: Mapping;
  readonly #listenerDefaults: Mapping;
  readonly #poolDefaults: Mapping;
  /** By the list as it is written: pools that inherit one share what it becomes. */
  readonly #targetLists = new Map<unknown, readonly TargetConfig[]>();

  constructor(file: Mapping) {
    const defaults = mappingAt(file, "defaults");
    this.#listeners = mappingAt(file, "listeners");
    this.#pools = mappingAt(file, "pools");
    this.#listenerDefaults = only(defaults, Object.keys(this.#listener.entries));
    this.#poolDefaults = only(defaults, Object.keys(this.#pool.entries));
  }

  listener(name: string): ListenerConfig {
    const base = { ...this.#base.listener, timeouts: this.#base.timeouts };
    const written = mappingAt(this.#listeners, name);
    const merged = overlay([base, this.#listenerDefaults, written]);
    const pool = mappingAt(this.#pools, String(valueAt(merged, "pool")));
    const layered = overlay([merged, only(pool, ["timeouts"])]);
    const { bind, timeouts, ...settings } = v.parse(this.#listener, layered);
    return { name, ...settings, bind: Array.isArray(bind) ? bind : [bind], timeouts: inMs(timeouts) };
  }

  pool(name: string): PoolConfig {
    const base = { ...this.#base.pool, timeouts: this.#base.timeouts };
    const merged = overlay([base, this.#poolDefaults, mappingAt(this.#pools, name)]);
    // The targets are read on their own, in their long form with every key.
    const found = v.parse(this.#pool, overlay([merged, { targets: [] }]));
    return {
      name,
      algorithm: found.algorithm,
      targets: this.#targets(valueAt(merged, "targets")),
      health: found.health === undefined ? { check: "none" } : resolveHealth(found.health),
      ejection: found.ejection === undefined ? undefined : {
        consecutiveFailures: found.ejection.consecutiveFailures,
        baseTimeMs: found.ejection.baseTime,
        maxTimeMs: found.ejection.maxTime,
        maxShare: found.ejection.maxShare,
        mode: found.ejection.mode,
      },
      slowStartMs: finite(found.slowStart),
      resolveIntervalMs: found.resolve.interval,
      retry: { attempts: found.retry.attempts, pauseMs: found.retry.pause },
      queue: found.queue,
      holdMs: finite(found.hold),
      onTargetDown: found.onTargetDown,
      failOpen: found.failOpen,
    };
  }

  #targets(list: unknown): readonly TargetConfig[] {
    const known = this.#targetLists.get(list);
    if (known !== undefined) return known;
    const items: readonly unknown[] = Array.isArray(list) ? list : [];
    const targets = items.map((written) =>
      v.parse(this.#target, {
        ...this.#base.target,
        ...(isMapping(written) ? written : { address: written }),
      })
    );
    this.#targetLists.set(list, targets);
    return targets;
  }
}

function inMs(timeouts: v.InferOutput<ReturnType<typeof schema.timeouts>>): Timeouts {
  return {
    connectMs: timeouts.connect,
    idleMs: timeouts.idle,
    halfClosedMs: timeouts.halfClosed,
    stallMs: timeouts.stall,
    keepAliveMs: timeouts.keepAlive,
    lifetimeMs: timeouts.lifetime,
    queueMs: timeouts.queue,
  };
}

function resolveHealth(found: v.InferOutput<ReturnType<typeof schema.health>>): HealthConfig {
  const { check, url, host, port, path, method, expect } = found;
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
  if (check === "tcp") return { check, port, timing };
  if (check !== "url") return { check, host, port, path, method, expect, timing };
  if (url === undefined) throw new Error("a health check by a URL was not checked for its URL");
  return { check, url, method, expect, timing };
}

function finite(ms: number): number | undefined {
  return ms === Infinity ? undefined : ms;
}
