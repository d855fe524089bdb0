/**
 * The control plane: owns the configuration, the names, the probes, the data-plane threads, and everything they share.
 * Starts, reloads, drains and stops them; decides nothing about a single connection.
 */
import type { Config } from "../config/config.ts";
import { Names, type NameState } from "../discovery/names.ts";
import type { HealthChange, Monitor } from "../health/monitor.ts";
import { countersOf } from "../shared/counters.ts";
import { engines } from "../relay/engines.ts";
import { allocateMemory, type SharedMemory } from "../shared/layout.ts";
import { type Shared, sharedViews } from "../shared/shared.ts";
import type { EngineName } from "../values/words.ts";
import { Binder, type Refused } from "./binder.ts";
import { type Change, changeBetween } from "./change.ts";
import { type SessionCap, sessionCap } from "./descriptors.ts";
import { Departures } from "./departures.ts";
import { Ending } from "./ending.ts";
import { type BalancerEvent, eventsOf } from "./events.ts";
import { targetOfKey } from "./keys.ts";
import { emptyModel, hostNamesOf, keepBound, type Model, modelOf } from "./model.ts";
import { type BalancerParts, realParts } from "./parts.ts";
import { ModelSlots } from "./model_slots.ts";
import { type Reloaded, type Started, StartError, stopping } from "./outcomes.ts";
import { whyTooLarge } from "./slots.ts";
import { snapshotOf } from "./snapshot.ts";
import { type State, stateOf } from "./state.ts";
import { MaglevTables } from "./tables.ts";
import { addressesText, probedOf } from "./target_sets.ts";
import { TargetStates } from "./target_states.ts";
import { type ThreadGroup, workersFor } from "./threads.ts";
import { nextTask } from "./within.ts";

/** Names that change within so much time make one snapshot, not one each: to go through thousands of targets takes milliseconds. */
const namesGatheredMs = 50;

/** How long a start or a reload waits for names that are looked up for the first time; then it goes on without them. */
const maxFirstLookupMs = 2_000;

export interface BalancerOptions {
  readonly config: Config;
  readonly onEvent: (event: BalancerEvent) => void;
  /** What a data-plane thread runs; by default the data plane. */
  readonly threadModule?: URL | undefined;
  /** Parts in place of the real ones. */
  readonly parts?: Partial<BalancerParts>;
}

/** Its owner calls `start` once, then `reload` as often as wanted, not two at a time, then `drain` or `stop`. */
export class Balancer {
  readonly #onEvent: (event: BalancerEvent) => void;
  readonly #parts: BalancerParts;
  readonly #workers: number;
  readonly #memory: SharedMemory;
  readonly #shared: Shared;
  readonly #states: TargetStates;
  readonly #slots: ModelSlots;
  readonly #tables = new MaglevTables();
  readonly #names: Names;
  readonly #monitor: Monitor;
  readonly #threads: ThreadGroup;
  readonly #binder: Binder;
  readonly #startedAt = performance.now();
  /** What is in force; before the start, a configuration that serves nothing. */
  #model: Model;
  readonly #firstConfig: Config;
  #engine: EngineName = "portable";
  #revision = 0;
  /** What the descriptors allow; undefined before they were counted. */
  #cap: SessionCap | undefined;
  /** Cancels the wait for more names that change; undefined = none has changed. */
  #cancelApply: (() => void) | undefined;
  /** A start or a reload is under way, which sees to changed names itself. */
  #isChanging = false;
  readonly #departures: Departures;
  readonly #ending: Ending;

  constructor({ config, onEvent, threadModule, parts }: BalancerOptions) {
    this.#parts = { ...realParts(), ...parts };
    this.#onEvent = onEvent;
    this.#firstConfig = config;
    this.#model = emptyModel(config);
    this.#workers = workersFor(config);
    this.#memory = allocateMemory(this.#workers);
    this.#shared = sharedViews(this.#memory);
    this.#states = new TargetStates({
      shared: this.#shared,
      clock: this.#parts.clock,
      verdictOf: (key) => this.#monitor.state(key),
      onSuspect: (key) => this.#monitor.hurry(key),
      queuedOf: (poolSlot) => Atomics.load(this.#memory.queued, poolSlot),
      onAwaited: (key) => this.#monitor.hurry(key, { evenDown: true }),
      onEvent,
    });
    this.#slots = new ModelSlots(this.#memory);
    this.#threads = this.#parts.threads({
      count: this.#workers,
      memory: this.#memory,
      processSlot: this.#slots.processSlot,
      onEvents: (report) => {
        this.#states.attemptsFailed(report.failedAttempts);
        for (const event of eventsOf(report)) onEvent(event);
      },
      onTargetReport: (report) => this.#states.report(report),
      onDeath: (death) => {
        this.#states.threadDied();
        onEvent({ kind: "death", death });
      },
      onFault: (detail) => onEvent({ kind: "fault", detail }),
      module: threadModule,
    });
    this.#binder = new Binder({
      ...this.#parts,
      threads: this.#threads,
      onSkipped: (skipped) => onEvent({ kind: "bindSkipped", ...skipped }),
    });
    this.#monitor = this.#parts.monitor({
      onChange: (change) => this.#healthChanged(change),
      onProbe: (key, { outcome }) => outcome === "passed" && this.#states.probePassed(key),
      onInconclusive: ({ key, detail }) => onEvent({ kind: "inconclusive", ...targetOfKey(key), detail }),
      onOverload: (overload) => onEvent({ kind: "probeOverload", ...overload }),
    });
    this.#names = new Names({
      ...this.#parts,
      onChange: (state) => this.#nameChanged(state),
    });
    this.#departures = new Departures({
      clock: this.#parts.clock,
      slots: this.#slots,
      openOf: (slot) => this.#shared.permits.taken(slot),
      cut: (cut) => this.#threads.cut(cut),
      onEvent,
    });
    this.#ending = new Ending({
      threads: this.#threads,
      clock: this.#parts.clock,
      openSessions: () => this.openSessions,
      onEvent,
      onEnding: () => this.#departures.cancel(),
      close: () => {
        this.#cancelApply?.();
        this.#states.close();
        return Promise.all([this.#monitor.close(), this.#names.close()]);
      },
    });
  }

  /**
   * Starts the threads, and then does for the first configuration what `reload` does for others. Clients that connect before
   * every target was probed once wait in the kernel's queue. `stopped` when `stop` was called meanwhile. Throws StartError, or
   * ListenError when an address cannot be bound; nothing is left behind then.
   */
  async start(): Promise<Started | "stopped"> {
    try {
      const problem = whyTooLarge(this.#firstConfig);
      if (problem !== undefined) throw new StartError(problem);
      this.#threads.open();
      const choice = await this.#parts.chooseEngine(this.#firstConfig.process.engine);
      if (choice.kind === "impossible") throw new StartError(choice.problem);
      if (this.#isStopped) return "stopped";
      this.#engine = choice.engine;
      await this.#threads.start(choice.engine);
      const result = await this.#bring(this.#firstConfig);
      if (this.#isStopped) return "stopped";
      if (result.kind === "refused") throw result.listenError ?? new StartError(result.problem);
      return {
        engine: choice.engine,
        engineReason: choice.reason,
        engineWarning: choice.warn,
        descriptorsCounted: this.#cap?.isCounted ?? false,
      };
    } catch (error) {
      if (this.#isStopped) return "stopped";
      await this.stop();
      throw error;
    }
  }

  /** The configuration in force. */
  get config(): Config {
    return this.#model.config;
  }

  /** The number of the configuration in force, from 1. */
  get generation(): number {
    return this.#model.generation;
  }

  /** Open sessions in the whole process. */
  get openSessions(): number {
    return this.#shared.permits.taken(this.#slots.processSlot);
  }

  /**
   * Takes over a new configuration. Open sessions go on as they began, and listeners that stay are not touched. The targets
   * before serve on until each new one has had its first probe. Whatever fails leaves everything as it was.
   */
  reload(config: Config): Promise<Reloaded> {
    return this.#bring(config);
  }

  /** Ends step by step, by the rules of the configuration in force; at once before there is one, for then nobody is served. */
  drain(): Promise<void> {
    return this.generation === 0 ? this.stop() : this.#ending.drain(this.#model.config.process.drain);
  }

  /** Ends at once: sessions (as `killed`, after a `drain` there are none), probes, lookups, threads. */
  stop(): Promise<void> {
    return this.#ending.stop();
  }

  /** Everything that an operator can see, as of now. */
  state(): State {
    const { permits } = this.#shared;
    const taken = (key: string) => permits.taken(this.#slots.slotOf(key));
    return stateOf({
      model: this.#model,
      engine: this.#engine,
      workers: this.#workers,
      startedAt: this.#startedAt,
      now: performance.now(),
      draining: this.#ending.isDraining,
      maxConnections: this.#sessionLimit(this.#model.config),
      active: this.openSessions,
      activeOf: taken,
      countersOf: (key) => countersOf(this.#memory, this.#slots.slotOf(key)),
      queuedOf: (pool) => Atomics.load(this.#memory.queued, this.#slots.poolSlotOf(pool)),
      conditionsOf: ({ key }) => this.#states.conditionsOf(key),
      standingOf: (target) => this.#states.standingOf(target),
      lastProbeOf: (key) => this.#monitor.lastProbe(key),
      isFull: ({ key, config: { maxConnections } }) => taken(key) >= maxConnections,
    });
  }

  /** The one path by which a configuration comes into force, the first one as any other. */
  async #bring(config: Config): Promise<Reloaded> {
    if (this.#isEnding) return stopping;
    const problem = whyTooLarge(config);
    if (problem !== undefined) return { kind: "refused", problem };
    this.#isChanging = true;
    try {
      // What is to be undone when a later step fails, the last first.
      await using undo = new AsyncDisposableStack();
      const result = await this.#prepare(config, undo);
      if (this.#isEnding) return stopping;
      if (result.kind === "refused") return result;
      const countedConnections = this.#firstConfig.process.maxConnections;
      const change = changeBetween(this.#model, result.model, { countedConnections });
      // With thousands of targets each of these steps takes milliseconds, and probes are not to wait for all of them.
      await nextTask();
      if (this.#isEnding) return stopping;
      undo.move();
      this.#publish(result.model);
      await nextTask();
      if (!this.#isStopped) await this.#retire(change);
      return { kind: "reloaded", change };
    } finally {
      this.#isChanging = false;
      this.#applyNames();
    }
  }

  get #isStopped(): boolean {
    return this.#ending.isStopped;
  }

  get #isEnding(): boolean {
    return this.#isStopped || this.#ending.isDraining;
  }

  /** Steps 1 to 6: everything that can fail. Nothing of it is seen by a client. */
  async #prepare(
    config: Config,
    undo: AsyncDisposableStack,
  ): Promise<{ kind: "model"; model: Model } | Refused> {
    // 1. Names: those of both configurations are looked up; new ones are waited for, but not for long.
    const before = this.#model;
    this.#names.watch(new Map([...hostNamesOf(before.config), ...hostNamesOf(config)]));
    undo.defer(() => {
      if (!this.#isStopped) this.#names.watch(hostNamesOf(before.config));
    });
    const unknown = await this.#binder.lookUp(config);
    if (unknown !== undefined) return unknown;
    await this.#names.firstLookups(maxFirstLookupMs);
    if (this.#isEnding) return stopping;

    // 2. The model, and which addresses are to be bound.
    const planned = this.#modelOf(config, before.generation + 1);
    // 3. Slots.
    const slots = this.#slots.take(planned, undo);
    if (slots !== undefined) return { kind: "refused", problem: slots };
    await nextTask();

    // 4. Binds: new ones first, in all threads, while those that go still serve.
    const bound = await this.#binder.bind(before, planned);
    if (bound.kind === "refused") return bound;
    undo.defer(() => this.#threads.unbind(bound.added));
    if (this.#isEnding) return stopping;
    const { model } = bound;
    this.#cap ??= sessionCap(config.process.maxConnections, {
      count: (wanted) => engines[this.#engine].freeDescriptors(wanted),
    });
    await nextTask();
    if (this.#isEnding) return stopping;

    // 5. Probes: the targets before serve on until each new one has had its first.
    this.#monitor.update([...probedOf(before), ...probedOf(model)]);
    undo.defer(() => {
      if (!this.#isStopped) this.#monitor.update(probedOf(before));
    });
    await this.#monitor.firstRound();

    // 6. Maglev tables.
    await this.#tables.build(model.pools);
    return { kind: "model", model };
  }

  /** Steps 7 and 8: the words, the snapshot, and new binds accept. From here on there is no way back. */
  #publish(model: Model): void {
    this.#model = model;
    this.#revision++;
    this.#states.serve(model, this.#slots);
    this.#threads.publish(snapshotOf(model, {
      revision: this.#revision,
      maxConnections: this.#sessionLimit(model.config),
      slotOf: (key) => this.#slots.slotOf(key),
      poolSlotOf: (pool) => this.#slots.poolSlotOf(pool),
      tables: this.#tables,
    }));
    this.#threads.accept();
  }

  /**
   * Step 9: what has gone is retired. Clients that wait in the accept queue of a bind are served; slots wait for their readers.
   * Resolves once the addresses are free, so that the next reload may bind them again.
   */
  async #retire({ binds }: Change): Promise<void> {
    const model = this.#model;
    const unbound = this.#threads.unbind(binds.removed.map(({ key }) => key));
    this.#slots.keep(model, this.#revision);
    this.#departures.keep(model);
    this.#tables.keep(model.pools);
    this.#names.watch(hostNamesOf(model.config));
    this.#monitor.update(probedOf(model));
    await unbound;
  }

  #modelOf(config: Config, generation: number): Model {
    const model = modelOf(config, {
      generation,
      nameOf: (host) => {
        const state = this.#names.state(host);
        if (state === undefined || state.pending) return { addresses: [], problem: "not looked up yet" };
        return state;
      },
      bindAddressesOf: (host) => this.#binder.addressesOf(host),
    });
    // What is bound already keeps the port that it got.
    return keepBound(model, this.#model);
  }

  #sessionLimit({ process }: Config): number {
    return Math.min(this.#cap?.sessions ?? Infinity, process.maxConnections);
  }

  #healthChanged({ key, from, to, detail }: HealthChange): void {
    this.#onEvent({ kind: "health", ...targetOfKey(key), from, to, detail });
    this.#states.verdictChanged({ key, to });
    if (to === "down" && !this.#isStopped) this.#departures.turnedDown(key, this.#model.config);
  }

  #nameChanged({ host, addresses, problem }: NameState): void {
    this.#onEvent({ kind: "name", host, addresses, problem });
    if (this.#isStopped) return;
    this.#cancelApply ??= this.#parts.clock.after(namesGatheredMs, () => {
      this.#cancelApply = undefined;
      this.#applyNames();
    });
  }

  /** Takes over what names stand for now, where that has changed. */
  #applyNames(): void {
    if (this.#isChanging || this.#isEnding || this.#revision === 0) return;
    // What is bound stays as it is: the names of binds are looked up by a reload only.
    const { config, generation, listeners } = this.#model;
    const model = { ...this.#modelOf(config, generation), listeners };
    this.#monitor.update(probedOf(model));
    if (addressesText(model) === addressesText(this.#model)) this.#model = model;
    else this.#publish(model);
  }
}
