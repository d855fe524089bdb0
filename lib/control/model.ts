/**
 * What the balancer works by: the configuration, with what its host names stand for. Immutable and pure; everything that
 * changes what is served (a reload, a name with a new address) makes the next one.
 */
import type { Config, ListenerConfig, PoolConfig, TargetConfig } from "../config/config.ts";
import type { Bind } from "../dataplane/messages.ts";
import { formatAddress, type SocketAddress, type TcpAddress } from "../values/address.ts";
import { canonicalIp } from "../values/ip.ts";
import { bindKey, listenerKey, processKey, targetKey } from "./keys.ts";

export interface Model {
  /** The number of the configuration, from 1. */
  readonly generation: number;
  readonly config: Config;
  readonly listeners: readonly ListenerModel[];
  readonly pools: readonly PoolModel[];
}

export interface ListenerModel {
  readonly config: ListenerConfig;
  /** Where it listens: one for each address of each bind. */
  readonly binds: readonly Bind[];
}

export interface PoolModel {
  readonly config: PoolConfig;
  readonly targets: readonly TargetModel[];
}

export interface TargetModel {
  /** Its identity: slots and verdicts are kept under it. */
  readonly key: string;
  readonly config: TargetConfig;
  /** "host:port" as lb.yaml has it. */
  readonly name: string;
  /** What the host stands for, with the port; empty = nothing yet. */
  readonly addresses: readonly TcpAddress[];
  /** Why the newest lookup of the host failed; undefined = it did not, or there is nothing to look up. */
  readonly problem: string | undefined;
}

/** What is known of a host name. */
export interface KnownName {
  readonly addresses: readonly string[];
  readonly problem: string | undefined;
}

/** What a model is made of besides the configuration. */
export interface ModelInput {
  readonly generation: number;
  /** What a host name of a target stands for; undefined = it has not been looked up yet. */
  readonly nameOf: (host: string) => KnownName | undefined;
  /** The addresses to bind for a host name of a listener. */
  readonly bindAddressesOf: (host: string) => readonly string[];
}

/** The model before the first one: it serves nothing. */
export function emptyModel(config: Config): Model {
  return { generation: 0, config: { ...config, listeners: [], pools: [] }, listeners: [], pools: [] };
}

/** Makes the model of a configuration as things stand. */
export function modelOf(config: Config, input: ModelInput): Model {
  return {
    generation: input.generation,
    config,
    listeners: config.listeners.map((listener) => ({
      config: listener,
      binds: bindsOfListener(listener, input),
    })),
    pools: config.pools.map((pool) => ({
      config: pool,
      targets: pool.targets.map((target) => targetOf(pool.name, target, input)),
    })),
  };
}

/** The model with each bind as `bindOf` has it; a bind that it leaves out is gone. */
export function withBinds(model: Model, bindOf: (bind: Bind) => Bind | undefined): Model {
  const listeners = model.listeners.map(({ config, binds }) => ({
    config,
    binds: binds.flatMap((bind) => bindOf(bind) ?? []),
  }));
  return { ...model, listeners };
}

/** Every bind of every listener. */
export function bindsOf({ listeners }: Pick<Model, "listeners">): readonly Bind[] {
  return listeners.flatMap(({ binds }) => binds);
}

/** The model with those binds that another one has already as that one has them: on the port that port 0 has become. */
export function keepBound(model: Model, bound: Model): Model {
  const known = new Map(bindsOf(bound).map((bind) => [bind.key, bind]));
  return withBinds(model, (bind) => known.get(bind.key) ?? bind);
}

/** The host names of all targets, each with the shortest interval of its pools in ms. */
export function hostNamesOf({ pools }: Config): ReadonlyMap<string, number> {
  const hosts = new Map<string, number>();
  for (const { targets, resolveIntervalMs } of pools) {
    for (const { address: { host } } of targets) {
      if (canonicalIp(host) !== undefined) continue;
      hosts.set(host, Math.min(resolveIntervalMs, hosts.get(host) ?? Infinity));
    }
  }
  return hosts;
}

/** The host names that listeners are to be bound to. */
export function bindHostsOf({ listeners }: Config): string[] {
  const hosts = listeners.flatMap(({ bind }) =>
    bind.flatMap((address) =>
      address.kind === "tcp" && canonicalIp(address.host) === undefined ? [address.host] : []
    )
  );
  return [...new Set(hosts)];
}

/** Every key that needs a slot of its own. */
export function slotKeysOf({ config, pools }: Model): string[] {
  return [
    processKey,
    ...config.listeners.map(({ name }) => listenerKey(name)),
    ...pools.flatMap(({ targets }) => targets.map(({ key }) => key)),
  ];
}

/** Every pool that needs a pool slot. */
export function poolNamesOf({ pools }: Model): string[] {
  return pools.map(({ config }) => config.name);
}

function bindsOfListener({ name, bind }: ListenerConfig, { bindAddressesOf }: ModelInput): Bind[] {
  return bind.flatMap((address, index) =>
    literalsOf(address, bindAddressesOf).map((literal): Bind => ({
      key: bindKey(literal, { listener: name, index }),
      address: literal,
      // With one thread too: only so can 0.0.0.0 and [::] both be bound to the same port. Only Linux shares a port.
      shared: Deno.build.os === "linux" && literal.kind === "tcp",
    }))
  );
}

function literalsOf(
  address: SocketAddress,
  addressesOf: (host: string) => readonly string[],
): readonly SocketAddress[] {
  if (address.kind === "unix" || canonicalIp(address.host) !== undefined) return [address];
  return addressesOf(address.host).map((host) => ({ ...address, host }));
}

function targetOf(pool: string, config: TargetConfig, { nameOf }: ModelInput): TargetModel {
  const { address } = config;
  const name = formatAddress(address);
  const key = targetKey(pool, name);
  if (canonicalIp(address.host) !== undefined) {
    return { key, config, name, addresses: [address], problem: undefined };
  }
  const known = nameOf(address.host);
  const addresses = (known?.addresses ?? []).map((host) => ({ ...address, host }));
  return { key, config, name, addresses, problem: known?.problem };
}
