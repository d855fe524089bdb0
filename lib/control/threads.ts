/** All data-plane threads: starts them, sends to all of them, and starts one again that has died. */
import type { Config } from "../config/config.ts";
import type { Bind, Command, Cut, Drained } from "../dataplane/messages.ts";
import type { Snapshot } from "../dataplane/snapshot.ts";
import { engines, type EngineWaker } from "../relay/engines.ts";
import type { SharedMemory } from "../shared/layout.ts";
import { Permits } from "../shared/permits.ts";
import { QueueHeads } from "../shared/queue_heads.ts";
import { Readers } from "../shared/readers.ts";
import type { EngineName } from "../values/words.ts";
import type { Death } from "./events.ts";
import { removeStale } from "./listeners.ts";
import { type TargetReport, Thread, ThreadBindError, type ThreadEvents } from "./thread.ts";
import { within } from "./within.ts";

/** What is waited for, in milliseconds. */
export interface ThreadTimes {
  /** The pause before a dead thread is started again: doubles with each death up to the longest, and is forgotten after a quiet while. */
  readonly firstRestartMs: number;
  readonly maxRestartMs: number;
  readonly quietMs: number;
  /** The pause before a restarted thread tries again to bind what somebody else holds by now. */
  readonly rebindMs: number;
  /** How long a change of the binds waits for a thread that is starting again. */
  readonly maxRestartWaitMs: number;
  /** How long it is waited for that addresses are bound: a thread that hangs must not keep a reload from its end. */
  readonly maxBindMs: number;
  /** How long it is waited for that binds are closed: one that clients keep coming to is closed after a second. */
  readonly maxUnbindMs: number;
  /** How often threads are asked for a sign of life while they drain, and after how long without one nobody waits for it. */
  readonly pingMs: number;
  readonly hangMs: number;
}

const defaultTimes: ThreadTimes = {
  firstRestartMs: 100,
  maxRestartMs: 30_000,
  quietMs: 60_000,
  rebindMs: 1_000,
  maxRestartWaitMs: 5_000,
  maxBindMs: 10_000,
  maxUnbindMs: 3_000,
  pingMs: 1_000,
  hangMs: 15_000,
};

/** What the control plane needs of the data-plane threads. */
export interface ThreadGroup {
  /** Makes all threads: they load their program while the engine is chosen. */
  open(): void;
  /** Starts them; resolves once they take commands. */
  start(engine: EngineName): Promise<void>;
  /**
   * Binds in every thread; resolves to the binds with the addresses in fact bound. Rejects with ThreadBindError for the first
   * that fails, and with ThreadsBusyError while a thread is starting again; then none of them is bound in any thread.
   */
  bind(binds: readonly Bind[]): Promise<readonly Bind[]>;
  /**
   * Serves what waits in the accept queues of these binds, and closes them; resolves once their addresses are free. A thread that
   * hangs is not waited for.
   */
  unbind(keys: readonly string[]): Promise<void>;
  publish(snapshot: Snapshot): void;
  /** Accepts on every bind that the newest snapshot names, now and whenever one is added. */
  accept(): void;
  cut(cut: Cut): void;
  /**
   * Unbinds everything; resolves when the last session has ended, in all threads that do not hang, or when `giveUp` aborts. What
   * is left then is counted as cut, and so are sessions of a thread that hangs or dies.
   */
  drain(giveUp: AbortSignal): Promise<Drained>;
  terminate(): void;
}

/** A thread is starting again, so that not all of them can be changed now. */
export class ThreadsBusyError extends Error {}

export interface ThreadsOptions {
  readonly count: number;
  readonly memory: SharedMemory;
  /** The slot of the permit that every session holds. */
  readonly processSlot: number;
  readonly onEvents: (events: ThreadEvents) => void;
  readonly onTargetReport: (report: TargetReport) => void;
  /** Called after its permits are free and its sockets closed. */
  readonly onDeath: (death: Death) => void;
  readonly onFault: (detail: string) => void;
  /** The module that a thread runs. */
  readonly module?: URL | undefined;
  readonly times?: Partial<ThreadTimes>;
}

/** Its owner calls `open`, `start`, `bind`, `publish` and `accept` in this order; `terminate` at the end. */
export class Threads implements ThreadGroup {
  readonly #options: ThreadsOptions;
  readonly #times: ThreadTimes;
  readonly #permits: Permits;
  readonly #readers: Readers;
  readonly #threads: Thread[] = [];
  readonly #deaths: { pauseMs: number; at: number }[] = [];
  readonly #pauses = new Set<ReturnType<typeof setTimeout>>();
  /** Threads that have died and do not serve again yet. */
  readonly #restarting = new Map<number, PromiseWithResolvers<void>>();
  readonly #bound = new Map<string, Bind>();
  #waker: EngineWaker | undefined;
  /** Undefined until it is chosen. */
  #engine: EngineName | undefined;
  #snapshot: Snapshot | undefined;
  #isAccepting = false;
  /** Sessions of threads that have died since everything is to end. */
  #died = 0;
  #isEnding = false;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    this.#times = { ...defaultTimes, ...options.times };
    this.#permits = new Permits(options.memory);
    this.#readers = new Readers(options.memory);
    for (let index = 0; index < options.count; index++) this.#readers.leave(index);
  }

  open(): void {
    for (let index = 0; index < this.#options.count; index++) this.#threads.push(this.#open(index));
  }

  async start(engine: EngineName): Promise<void> {
    this.#engine = engine;
    this.#waker = engines[engine].openWaker();
    for (const thread of this.#threads) thread.start(engine);
    // Until a thread has taken over a snapshot nothing is given away that one may name.
    for (let index = 0; index < this.#options.count; index++) this.#readers.set(index, 0);
    await Promise.all(this.#threads.map(({ ready }) => ready));
  }

  async bind(binds: readonly Bind[]): Promise<readonly Bind[]> {
    if (binds.length === 0) return [];
    await this.#allServe();
    const threads = [...this.#threads];
    try {
      const bound = await this.#bindIn(threads, binds);
      // One that has bound and died meanwhile may serve again already, without these.
      if (threads.some(({ isDead }) => isDead)) throw new Error("it had bound before");
      for (const bind of bound) this.#bound.set(bind.key, bind);
      return bound;
    } catch (error) {
      await this.#close(binds.map(({ key }) => key));
      if (error instanceof ThreadBindError || error instanceof ThreadsBusyError) throw error;
      const cause = error instanceof Error ? error.message : error;
      throw new ThreadsBusyError(`a data-plane thread died meanwhile: ${cause}`, { cause: error });
    }
  }

  async unbind(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    for (const key of keys) this.#bound.delete(key);
    await this.#close(keys);
  }

  publish(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#send({ type: "snapshot", snapshot });
  }

  accept(): void {
    this.#isAccepting = true;
    this.#send({ type: "accept" });
  }

  cut(cut: Cut): void {
    this.#send({ type: "cut", ...cut });
  }

  async drain(giveUp: AbortSignal): Promise<Drained> {
    this.#end();
    this.#send({ type: "drain" });
    const timer = setInterval(() => this.#giveUpHanging(), this.#times.pingMs);
    try {
      const givenUp = new Promise<undefined>((resolve) =>
        giveUp.addEventListener("abort", () => resolve(undefined), { once: true })
      );
      const drained = await Promise.all(
        this.#threads.map(async (thread, index) =>
          await Promise.race([thread.drained, givenUp]) ?? { ended: 0, cut: this.#openIn(index) }
        ),
      );
      return {
        ended: drained.reduce((sum, { ended }) => sum + ended, 0),
        cut: drained.reduce((sum, { cut }) => sum + cut, this.#died),
      };
    } finally {
      clearInterval(timer);
    }
  }

  terminate(): void {
    this.#end();
    for (const thread of this.#threads) thread.terminate();
    this.#waker?.[Symbol.dispose]();
  }

  /** Open sessions of a thread. */
  #openIn(index: number): number {
    const { memory, processSlot } = this.#options;
    return memory.held[index]![processSlot] ?? 0;
  }

  /** No thread is started again from here on. */
  #end(): void {
    this.#isEnding = true;
    for (const timer of this.#pauses) clearTimeout(timer);
  }

  async #bindIn([first, ...others]: readonly Thread[], binds: readonly Bind[]): Promise<readonly Bind[]> {
    // The first thread binds alone: what it gets for a port 0 the others share.
    const addresses = await this.#answer(first!.bind(binds));
    const bound = binds.map((bind, index) => ({ ...bind, address: addresses[index] ?? bind.address }));
    // All answers are awaited, so that a failure finds every thread at rest.
    const answers = Promise.allSettled(others.map((thread) => thread.bind(bound.filter(isShared))));
    const results = await this.#answer(answers);
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return bound;
  }

  /** Waits for threads that bind; throws ThreadsBusyError where one hangs. */
  async #answer<T>(work: Promise<T>): Promise<T> {
    const { maxBindMs } = this.#times;
    const answer = await within(maxBindMs, work);
    if (answer !== "tooLong") return answer;
    const seconds = maxBindMs / 1_000;
    throw new ThreadsBusyError(`a data-plane thread has not answered for ${seconds} s; try again later`);
  }

  /** Closes binds in every thread. */
  async #close(keys: readonly string[]): Promise<void> {
    await within(this.#times.maxUnbindMs, Promise.all(this.#threads.map((thread) => thread.unbind(keys))));
  }

  #send(command: Command): void {
    for (const thread of this.#threads) thread.send(command);
  }

  #giveUpHanging(): void {
    const now = performance.now();
    const { hangMs } = this.#times;
    for (const [index, thread] of this.#threads.entries()) {
      if (thread.ping(now) < hangMs) continue;
      this.#options.onFault(
        `data-plane thread ${index} has not answered for ${hangMs / 1_000} s: its sessions are given up`,
      );
      thread.terminate();
      this.#died += this.#openIn(index);
      // It may be in the middle of a call yet, so that its descriptors stay its own.
      engines[this.#engine!].disconnect(this.#options.memory.descriptors[index]!);
      this.#giveBack(index);
    }
  }

  /** Gives back what a thread has of what all share. */
  #giveBack(index: number): void {
    const { memory } = this.#options;
    this.#permits.releaseAll(memory.held[index]!);
    new Permits({ permits: memory.queued }).releaseAll(memory.heldQueued[index]!);
    new QueueHeads(memory).clear(index);
    this.#readers.leave(index);
  }

  /** Waits for threads that are starting again. */
  async #allServe(): Promise<void> {
    if (this.#restarting.size === 0) return;
    const all = Promise.all([...this.#restarting.values()].map(({ promise }) => promise));
    const result = await within(this.#times.maxRestartWaitMs, all);
    if (result === "tooLong" || this.#restarting.size > 0) {
      throw new ThreadsBusyError("a data-plane thread is starting again; try again later");
    }
  }

  #open(index: number): Thread {
    const { memory, onEvents, onTargetReport, module } = this.#options;
    const thread: Thread = new Thread({
      index,
      memory,
      module,
      wake: (descriptor) => this.#waker?.wake(descriptor),
      onEvents,
      onTargetReport,
      onDeath: (cause) => this.#recover(thread, { index, cause }),
    });
    return thread;
  }

  /** Gives back what a dead thread had, reports it, and starts it again after a pause. */
  #recover(thread: Thread, { index, cause }: { index: number; cause: string }): void {
    const { memory, onDeath } = this.#options;
    thread.terminate();
    const sessions = this.#openIn(index);
    if (this.#isEnding) this.#died += sessions;
    // It runs no more when its error arrives here, so nothing of it can be in use.
    if (this.#engine !== undefined) engines[this.#engine].cleanUp(memory.descriptors[index]!);
    this.#giveBack(index);
    // One that dies while it loads its program has the start fail.
    const isLost = this.#isEnding || this.#engine === undefined;
    const restartMs = isLost ? null : this.#pauseMs(index);
    onDeath({ worker: index, cause, sessions, restartMs });
    if (restartMs !== null) this.#restartAfter(restartMs, index);
  }

  #restartAfter(pauseMs: number, index: number): void {
    if (this.#isEnding) return;
    const serving = this.#restarting.get(index) ?? Promise.withResolvers<void>();
    this.#restarting.set(index, serving);
    const before = this.#threads[index];
    this.#after(pauseMs, () => {
      this.#restart(index).then(() => {
        this.#restarting.delete(index);
        serving.resolve();
      }, (error) => {
        // A thread that dies again on the way has reported it itself; here none could be made.
        if (this.#threads[index] !== before || this.#isEnding) return;
        this.#options.onFault(`data-plane thread ${index} cannot be started again: ${error}`);
        this.#restartAfter(this.#pauseMs(index), index);
      });
    });
  }

  /** Calls back after a pause, unless all threads are to end meanwhile. */
  #after(ms: number, callback: () => void): void {
    const timer = setTimeout(() => {
      this.#pauses.delete(timer);
      callback();
    }, ms);
    this.#pauses.add(timer);
  }

  #pauseMs(index: number): number {
    const now = performance.now();
    const last = this.#deaths[index];
    const { firstRestartMs, maxRestartMs, quietMs } = this.#times;
    const pauseMs = last === undefined || now - last.at > quietMs
      ? firstRestartMs
      : Math.min(2 * last.pauseMs, maxRestartMs);
    this.#deaths[index] = { pauseMs, at: now };
    return pauseMs;
  }

  async #restart(index: number): Promise<void> {
    // Set before it runs: what it uses from then on it writes itself. It gets no snapshot that is older than this one.
    this.#readers.set(index, this.#snapshot?.revision ?? 0);
    const thread = this.#threads[index] = this.#open(index);
    thread.start(this.#engine!);
    await thread.ready;
    // A drain that has begun meanwhile has reached the thread already: it must not bind or accept any more.
    if (this.#isEnding) return;
    await this.#bindAgain(index, thread);
    if (this.#isEnding) return;
    // As of now: the one that was in force when the thread died may be an old one. Before the first there is none.
    const snapshot = this.#snapshot;
    if (snapshot !== undefined) thread.send({ type: "snapshot", snapshot });
    if (this.#isAccepting) thread.send({ type: "accept" });
  }

  /** Somebody else may hold an address by now: tries until it is free. */
  async #bindAgain(index: number, thread: Thread): Promise<void> {
    // Only TCP addresses can be shared: the first thread alone has the unix sockets.
    const own = () => [...this.#bound.values()].filter((bind) => index === 0 || bind.shared);
    for (;;) {
      try {
        for (const { address } of own()) await removeStale(address);
        if (this.#isEnding) return;
        // As of now: some may have been unbound meanwhile.
        await thread.bind(own());
        return;
      } catch (error) {
        if (thread.isDead || this.#isEnding) throw error;
        this.#options.onFault(`a data-plane thread cannot listen again: ${error}`);
        await new Promise<void>((resolve) => this.#after(this.#times.rebindMs, resolve));
      }
    }
  }
}

function isShared({ shared }: Bind): boolean {
  return shared;
}

/** How many data-plane threads a configuration asks for. */
export function workersFor({ process }: Pick<Config, "process">): number {
  // Only Linux spreads connections over listeners of the same port.
  if (Deno.build.os !== "linux") return 1;
  return process.workers === "auto" ? navigator.hardwareConcurrency : process.workers;
}
