/** What is different between two models: the plan of a reload. Pure. */
import type { Config } from "../config/config.ts";
import type { Bind } from "../dataplane/messages.ts";
import { formatAddress } from "../values/address.ts";
import { bindsOf, type Model, type PoolModel } from "./model.ts";

/** What came, went and changed; names in the order of the files. */
export interface Change {
  readonly binds: { readonly added: readonly Bind[]; readonly removed: readonly Bind[] };
  readonly listeners: NameChanges;
  readonly pools: NameChanges;
  /** Targets by "pool/host:port", of pools that both have. */
  readonly targets: NameChanges;
  /** Keys of `process` and `log` that have changed and are in force. */
  readonly settings: readonly string[];
  /** Keys that have changed and take effect at the next start only. */
  readonly afterRestart: readonly string[];
}

export interface NameChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/**
 * The plan that leads from one model to the next. `countedConnections`: for how many sessions the descriptors were counted at
 * the start, which more of them cannot exceed.
 */
export function changeBetween(
  from: Model,
  to: Model,
  { countedConnections = from.config.process.maxConnections }: { readonly countedConnections?: number } = {},
): Change {
  const waiting = afterRestart(from.config, to.config, { countedConnections });
  return {
    binds: bindChange(from, to),
    listeners: difference(listenersOf(from), listenersOf(to)),
    pools: difference(poolsOf(from), poolsOf(to)),
    targets: difference(targetsOf(from, to), targetsOf(to, from)),
    settings: settingsChanged(from.config, to.config).filter((key) => !waiting.includes(key)),
    afterRestart: waiting,
  };
}

/** The plan in words, a phrase for each thing that came, went or changed; empty where nothing did. */
export function describeChange(
  { binds, listeners, pools, targets, settings, afterRestart }: Change,
): string[] {
  const addresses = (list: readonly Bind[]) => list.map(({ address }) => formatAddress(address));
  return [
    ...phrases("listener", listeners),
    ...addresses(binds.added).map((address) => `${address} is bound`),
    ...addresses(binds.removed).map((address) => `${address} is closed`),
    ...phrases("pool", pools),
    ...phrases("target", targets),
    ...settings.map((key) => `${key} has changed`),
    ...afterRestart.map((key) => `${key} waits for a restart`),
  ];
}

function phrases(kind: string, { added, removed, changed }: NameChanges): string[] {
  return [
    ...added.map((name) => `${kind} ${name} is new`),
    ...removed.map((name) => `${kind} ${name} is gone`),
    ...changed.map((name) => `${kind} ${name} has changed`),
  ];
}

function bindChange(from: Model, to: Model): Change["binds"] {
  const byKey = (model: Model) => new Map(bindsOf(model).map((bind) => [bind.key, bind]));
  const [before, after] = [byKey(from), byKey(to)];
  return {
    added: [...after.values()].filter(({ key }) => !before.has(key)),
    removed: [...before.values()].filter(({ key }) => !after.has(key)),
  };
}

/** By name, what is compared: plain data as text. */
type Content = ReadonlyMap<string, string>;

function listenersOf({ config: { listeners } }: Model): Content {
  return new Map(listeners.map((listener) => [listener.name, JSON.stringify(listener)]));
}

function poolsOf({ config: { pools } }: Model): Content {
  return new Map(pools.map(({ targets: _, ...pool }) => [pool.name, JSON.stringify(pool)]));
}

/** The targets of the pools that the other model has as well. */
function targetsOf({ pools }: Model, other: Model): Content {
  const names = new Set(other.pools.map(({ config }) => config.name));
  const shared = pools.filter(({ config }) => names.has(config.name));
  return new Map(shared.flatMap(targetEntries));
}

function targetEntries({ config, targets }: PoolModel): [string, string][] {
  return targets.map((target) => [`${config.name}/${target.name}`, JSON.stringify(target.config)]);
}

function difference(before: Content, after: Content): NameChanges {
  return {
    added: [...after.keys()].filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed: [...after].filter(([name, text]) => (before.get(name) ?? text) !== text).map(([name]) => name),
  };
}

function afterRestart(
  from: Config,
  to: Config,
  { countedConnections }: { readonly countedConnections: number },
): string[] {
  const process = (["engine", "workers"] as const).filter((key) => from.process[key] !== to.process[key])
    .map((key) => `process.${key}`);
  const { maxConnections } = to.process;
  const isRaised = maxConnections > countedConnections && maxConnections !== from.process.maxConnections;
  const raised = isRaised ? ["process.maxConnections"] : [];
  const log = (["level", "format"] as const).filter((key) => from.log[key] !== to.log[key]).map((key) =>
    `log.${key}`
  );
  return [...process, ...raised, ...log];
}

/** Keys of what is said once for the whole process. */
function settingsChanged(from: Config, to: Config): string[] {
  return (["process", "log"] as const).flatMap((section) => {
    const before: Readonly<Record<string, unknown>> = { ...from[section] };
    return Object.entries(to[section])
      .filter(([key, value]) => text(before[key]) !== text(value))
      .map(([key]) => `${section}.${key}`);
  });
}

/** As JSON, which says null for what is unlimited. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, each) => each === Infinity ? "none" : each) ?? "";
}
