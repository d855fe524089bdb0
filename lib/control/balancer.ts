/**
 * The control plane: owns the configuration, the probes, the data-plane threads, and everything they share. Starts,
 * reloads, drains and stops them; decides nothing about a single connection.
 */
import type { Config } from "../config/config.ts";
import { type HealthChange, Monitor } from "../health/monitor.ts";
import {
  allocateMemory,
  capacity,
  clearCounts,
  type Counts,
  countsOf,
  type SharedMemory,
} from "../dataplane/memory.ts";
import type { AcceptErrors, Bind, FailedAttempt } from "../dataplane/messages.ts";
import type { EngineName } from "../values/words.ts";
import { chooseEngine } from "../relay/choose.ts";
import { SharedPoolState } from "../pool/shared.ts";
import type { CloseRecord } from "../session/record.ts";
import { formatAddress, type SocketAddress } from "../values/address.ts";
import { checkFree, removeStale } from "./binds.ts";
import { sessionCap } from "./descriptors.ts";
import { names, placeNames, snapshotOf } from "./plan.ts";
import { SlotTable } from "./slots.ts";
import { type Events, ListenError } from "./thread.ts";
import { type Death, Threads } from "./threads.ts";

/** How long the threads have to end their sessions when everything is to end at once. */
const lastRecordsMs = 500;

/** What the balancer tells while it runs. */
export type BalancerEvent =
  | { readonly kind: "health"; readonly pool: string; readonly target: string; readonly change: HealthChange }
  | { readonly kind: "closed"; readonly records: readonly CloseRecord[] }
  | { readonly kind: "failedAttempts"; readonly attempts: readonly FailedAttempt[] }
  | { readonly kind: "acceptErrors"; readonly errors: readonly AcceptErrors[] }
  /** So many of the above were dropped, because a thread had no time to report them. */
  | { readonly kind: "lost"; readonly count: number }
  /** The program itself is at fault. */
  | { readonly kind: "fault"; readonly detail: string }
  | { readonly kind: "death"; readonly death: Death };

export interface BalancerOptions {
  readonly config: Config;
  readonly onEvent: (event: BalancerEvent) => void;
  /** What a data-plane thread runs; by default the data plane. */
  readonly threadModule?: URL | undefined;
}

/** What was bound and decided at the start. */
export interface Started {
  readonly engine: string;
  readonly engineReason: string;
  /** The faster engine should run here and does not. */
  readonly engineWarning: boolean;
  readonly workers: number;
  readonly maxConnections: number;
  /** Whether the descriptors for so many could be counted. */
  readonly descriptorsCounted: boolean;
  readonly listeners: readonly { readonly name: string; readonly addresses: readonly SocketAddress[] }[];
}

/** A target as it stands. */
export interface TargetState extends Counts {
  readonly pool: string;
  readonly address: string;
  readonly state: "checking" | "up" | "down";
  /** Open sessions. */
  readonly active: number;
}

/** The balancer cannot start as it is configured; the message says why. */
export class StartError extends Error {}

/** What came of a reload; `afterRestart` names the keys that changed and take effect at the next start only. */
export type Reloaded =
  | { readonly kind: "reloaded"; readonly afterRestart: readonly string[] }
  | { readonly kind: "refused"; readonly problem: string };

/** See above. Call `start` once, then `reload` as often as wanted, then `drain` or `stop`. */
export class Balancer {
  readonly #onEvent: (event: BalancerEvent) => void;
  readonly #workers: number;
  readonly #memory: SharedMemory;
  readonly #places: SharedPoolState;
  readonly #placeSlots: SlotTable;
  readonly #poolSlots: SlotTable;
  readonly #monitor: Monitor;
  readonly #threads: Threads;
  #config: Config;
  #generation = 1;
  /** What the descriptors allow. */
  #mostConnections = 0;
  #publishing = false;
  #stopped = false;

  constructor({ config, onEvent, threadModule }: BalancerOptions) {
    this.#config = config;
    this.#onEvent = onEvent;
    this.#workers = workersFor(config);
    this.#memory = allocateMemory(this.#workers);
    this.#places = new SharedPoolState(this.#memory.pools);
    this.#placeSlots = new SlotTable(capacity.places, (slot) => this.#clearPlace(slot));
    this.#poolSlots = new SlotTable(capacity.pools, () => true);
    this.#threads = new Threads({
      count: this.#workers,
      memory: this.#memory,
      processSlot: this.#placeSlots.slotOf(names.process),
      onEvents: (events) => this.#tell(events),
      onDeath: (death) => this.#onEvent({ kind: "death", death }),
      onFault: (detail) => this.#onEvent({ kind: "fault", detail }),
      module: threadModule,
    });
    this.#monitor = new Monitor({ onChange: (change) => this.#healthChanged(change) });
  }

  /**
   * Binds every listener, probes every target once, and accepts. Clients that connect meanwhile wait in the kernel's
   * queue. `stopped` when `stop` was called meanwhile. Throws StartError, or ListenError when an address cannot be
   * bound; nothing is left behind then.
   */
  async start(): Promise<Started | "stopped"> {
    const problem = tooMuch(this.#config);
    if (problem !== undefined) throw new StartError(problem);
    const choice = await chooseEngine(this.#config.process.engine);
    if (choice.kind === "impossible") throw new StartError(choice.problem);
    this.#keepSlots(this.#config);
    try {
      this.#monitor.update(probed(this.#config));
      const listeners = await this.#listen(choice.engine);
      const cap = sessionCap(this.#config.process.maxConnections);
      this.#mostConnections = cap.sessions;
      await this.#monitor.firstRound();
      if (this.#stopped) return "stopped";
      this.#publish();
      this.#threads.accept();
      return {
        engine: choice.engine,
        engineReason: choice.reason,
        engineWarning: choice.warn,
        workers: this.#workers,
        maxConnections: this.#mostConnections,
        descriptorsCounted: cap.isCounted,
        listeners,
      };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** The configuration in force. */
  get config(): Config {
    return this.#config;
  }

  /** The number of the configuration in force, from 1. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Takes over a new configuration: pools, targets, health checks, and the listeners' rules. Open sessions go on as
   * they began. Refused, with nothing changed, when listeners were added, removed, or bound elsewhere. The targets
   * before serve on until each new one has had its first probe. Not for two reloads at a time.
   */
  async reload(config: Config): Promise<Reloaded> {
    const problem = this.#stopped
      ? "lb is stopping"
      : tooMuch(config) ?? listenersDiffer(this.#config, config);
    if (problem !== undefined) return { kind: "refused", problem };
    const afterRestart = restartNeeded(this.#config, config);
    this.#keepSlots(this.#config, config);
    // Of a target that both have, the later check counts.
    this.#monitor.update([...probed(this.#config), ...probed(config)]);
    await this.#monitor.firstRound();
    if (this.#stopped) return { kind: "refused", problem: "lb is stopping" };
    this.#config = config;
    this.#generation++;
    this.#keepSlots(config);
    this.#monitor.update(probed(config));
    this.#publish();
    return { kind: "reloaded", afterRestart };
  }

  /** Closes the listeners, lets the sessions end until the deadline, cuts the rest evenly over `closeSpread`, ends. */
  async drain(): Promise<void> {
    const { deadlineMs, closeSpreadMs } = this.#config.process.drain;
    const timer = Number.isFinite(deadlineMs)
      ? setTimeout(() => this.#cutAll(closeSpreadMs), deadlineMs)
      : undefined;
    await this.#threads.drain();
    clearTimeout(timer);
    await this.stop();
  }

  /** Ends at once: sessions (as `killed`, after a `drain` there are none), probes, threads. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#threads.cut({ reason: "killed", spreadMs: 0 });
    // Each session still leaves its record; a thread that hangs is not waited for.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise((resolve) => timer = setTimeout(resolve, lastRecordsMs));
    await Promise.race([this.#threads.drain(), patience]);
    clearTimeout(timer);
    this.#threads.terminate();
    await this.#monitor.close();
  }

  /** Open sessions in the whole process. */
  get openSessions(): number {
    return this.#places.open(this.#placeSlots.slotOf(names.process));
  }

  /** Every target as it stands, in the order of the configuration. */
  targets(): TargetState[] {
    return this.#config.pools.flatMap((pool) =>
      pool.targets.map(({ address }) => {
        const text = formatAddress(address);
        const name = names.target(pool.name, text);
        const slot = this.#placeSlots.slotOf(name);
        return {
          pool: pool.name,
          address: text,
          state: this.#monitor.state(name) ?? "checking",
          active: this.#places.open(slot),
          ...countsOf(this.#memory, slot),
        };
      })
    );
  }

  async #listen(engine: EngineName): Promise<Started["listeners"]> {
    // With one thread too: only so can 0.0.0.0 and [::] both be bound to the same port.
    const shared = Deno.build.os === "linux";
    const asked = this.#config.listeners.flatMap(({ name, bind }) =>
      bind.map((address): Bind => ({ listener: name, address, shared: shared && address.kind === "tcp" }))
    );
    for (const bind of asked) {
      await makeFree(bind);
    }
    const bound = await this.#threads.listen(engine, asked);
    return this.#config.listeners.map(({ name }) => ({
      name,
      addresses: bound.filter(({ listener }) => listener === name).map(({ address }) => address),
    }));
  }

  #healthChanged(change: HealthChange): void {
    const [, pool = "", target = ""] = /^target ([^/]+)\/(.*)$/.exec(change.key) ?? [];
    this.#onEvent({ kind: "health", pool, target, change });
    if (this.#publishing) return;
    // Probes that end in the same turn of the loop make one snapshot, not one each.
    this.#publishing = true;
    setTimeout(() => this.#publish());
  }

  #publish(): void {
    this.#publishing = false;
    if (this.#stopped) return;
    const snapshot = snapshotOf(this.#config, {
      generation: this.#generation,
      maxConnections: Math.min(this.#mostConnections, this.#config.process.maxConnections),
      placeSlot: (name) => this.#placeSlots.slotOf(name),
      poolSlot: (name) => this.#poolSlots.slotOf(name),
      serving: (name) => this.#monitor.state(name) === "up",
    });
    this.#threads.publish(snapshot);
  }

  #keepSlots(...configs: readonly Config[]): void {
    this.#placeSlots.keep(new Set(configs.flatMap((config) => placeNames(config))));
    this.#poolSlots.keep(new Set(configs.flatMap(({ pools }) => pools.map(({ name }) => names.pool(name)))));
  }

  #clearPlace(slot: number): boolean {
    if (this.#places.open(slot) > 0) return false;
    clearCounts(this.#memory, slot);
    return true;
  }

  #cutAll(spreadMs: number): void {
    this.#threads.cut({ reason: "drain_deadline", spreadMs });
  }

  #tell({ closed, failedAttempts, acceptErrors, faults, lost }: Events): void {
    if (closed.length > 0) this.#onEvent({ kind: "closed", records: closed });
    if (failedAttempts.length > 0) this.#onEvent({ kind: "failedAttempts", attempts: failedAttempts });
    if (acceptErrors.length > 0) this.#onEvent({ kind: "acceptErrors", errors: acceptErrors });
    if (lost > 0) this.#onEvent({ kind: "lost", count: lost });
    for (const detail of faults) this.#onEvent({ kind: "fault", detail });
  }
}

/** Why a configuration does not fit into the shared memory; undefined = it does. */
function tooMuch(config: Config): string | undefined {
  // Half: what a reload takes out keeps its place until its last session has ended.
  const most = { places: capacity.places / 2, pools: capacity.pools / 2 };
  const places = placeNames(config).length;
  if (places > most.places) return `${places} listeners and targets, at most ${most.places} fit`;
  return config.pools.length > most.pools
    ? `${config.pools.length} pools, at most ${most.pools} fit`
    : undefined;
}

/** What the monitor is to watch for a configuration. */
function probed({ pools }: Config): Parameters<Monitor["update"]>[0] {
  return pools.flatMap(({ name, targets, health }) =>
    targets.map(({ address }) => ({ key: names.target(name, formatAddress(address)), address, health }))
  );
}

/** Throws ListenError when a bind cannot be had. */
async function makeFree(bind: Bind): Promise<void> {
  try {
    await checkFree(bind.address);
    await removeStale(bind.address);
  } catch (error) {
    throw new ListenError(bind, error instanceof Error ? error.message : String(error));
  }
}

function workersFor({ process }: Config): number {
  // Only Linux spreads connections over listeners of the same port.
  if (Deno.build.os !== "linux") return 1;
  return process.workers === "auto" ? navigator.hardwareConcurrency : process.workers;
}

function listenersDiffer(from: Config, to: Config): string | undefined {
  const binds = ({ listeners }: Config) =>
    new Map(listeners.map(({ name, bind }) => [name, bind.map(formatAddress).join(", ")]));
  const [before, after] = [binds(from), binds(to)];
  const changes = [
    ...[...after].filter(([name]) => !before.has(name)).map(([name]) => `${name} is new`),
    ...[...before].filter(([name]) => !after.has(name)).map(([name]) => `${name} is gone`),
    ...[...after].flatMap(([name, bind]) => {
      const was = before.get(name);
      return was === undefined || was === bind ? [] : [`${name} is bound to ${bind}, was ${was}`];
    }),
  ];
  if (changes.length === 0) return undefined;
  return `listeners cannot change while lb runs (${changes.join("; ")}); restart to apply it`;
}

function restartNeeded(from: Config, to: Config): string[] {
  const keys = ["engine", "workers"] as const;
  const process = keys.filter((key) => from.process[key] !== to.process[key]).map((key) => `process.${key}`);
  // The descriptors were counted for the number it started with.
  const raised = to.process.maxConnections > from.process.maxConnections ? ["process.maxConnections"] : [];
  const log = (["level", "format"] as const).filter((key) => from.log[key] !== to.log[key]).map((key) =>
    `log.${key}`
  );
  return [...process, ...raised, ...log];
}
