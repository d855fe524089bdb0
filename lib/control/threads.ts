/** All data-plane threads: starts them, speaks to all of them, and starts one again that has died. */
import type { SharedMemory } from "../dataplane/memory.ts";
import type { Bind, Command } from "../dataplane/messages.ts";
import type { EngineName } from "../values/words.ts";
import type { Snapshot } from "../dataplane/snapshot.ts";
import { engines, type EngineWaker } from "../relay/engines.ts";
import { SharedPoolState } from "../pool/shared.ts";
import { removeStale } from "./binds.ts";
import { type Events, Thread } from "./thread.ts";

/** The pause before a dead thread is started again: doubles with each death, and is forgotten after a quiet while. */
const restartMs = { first: 100, most: 30_000, quiet: 60_000, listen: 1_000 } as const;

/** A thread that has died, and its sessions with it. */
export interface Death {
  readonly worker: number;
  readonly cause: string;
  /** How many sessions it had open. */
  readonly sessions: number;
  readonly restartMs: number;
}

export interface ThreadsOptions {
  readonly count: number;
  readonly memory: SharedMemory;
  /** The place that every session takes. */
  readonly processSlot: number;
  readonly onEvents: (events: Events) => void;
  /** Told after its places are free and its sockets closed. */
  readonly onDeath: (death: Death) => void;
  readonly onFault: (detail: string) => void;
  /** The module that a thread runs. */
  readonly module?: URL | undefined;
}

/** See above. Call `listen`, then `publish` and `accept`; `terminate` at the end. */
export class Threads {
  readonly #options: ThreadsOptions;
  #waker: EngineWaker | undefined;
  readonly #places: SharedPoolState;
  readonly #threads: Thread[] = [];
  readonly #deaths: { pauseMs: number; at: number }[] = [];
  readonly #restarts = new Set<ReturnType<typeof setTimeout>>();
  #engine: EngineName = "portable";
  #bound: readonly Bind[] = [];
  #snapshot: Snapshot | undefined;
  #accepting = false;
  #ending = false;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    this.#places = new SharedPoolState(options.memory.pools);
  }

  /** Starts the threads and binds in each; returns what was bound in fact. Throws ListenError for the first that fails. */
  async listen(engine: EngineName, asked: readonly Bind[]): Promise<readonly Bind[]> {
    this.#engine = engine;
    this.#waker = engines[engine].openWaker();
    for (let index = 0; index < this.#options.count; index++) this.#threads.push(this.#start(index));
    await Promise.all(this.#threads.map(({ ready }) => ready));
    const [first, ...others] = this.#threads;
    // The first thread binds alone: what it gets for a port 0 the others share.
    const addresses = await first?.listen(asked) ?? [];
    this.#bound = asked.map((bind, index) => ({ ...bind, address: addresses[index] ?? bind.address }));
    await Promise.all(others.map((thread, index) => thread.listen(this.#bindsOf(index + 1))));
    return this.#bound;
  }

  publish(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#send({ type: "snapshot", snapshot });
  }

  accept(): void {
    this.#accepting = true;
    this.#send({ type: "accept" });
  }

  cut(command: Omit<Extract<Command, { type: "cut" }>, "type">): void {
    this.#send({ type: "cut", ...command });
  }

  /** Closes the listeners; resolves when the last session has ended. A thread that dies is not started again. */
  async drain(): Promise<void> {
    this.#ending = true;
    for (const restart of this.#restarts) clearTimeout(restart);
    this.#send({ type: "drain" });
    await Promise.all(this.#threads.map(({ drained }) => drained));
  }

  terminate(): void {
    this.#ending = true;
    for (const restart of this.#restarts) clearTimeout(restart);
    for (const thread of this.#threads) thread.terminate();
    this.#waker?.[Symbol.dispose]();
  }

  #send(command: Command): void {
    for (const thread of this.#threads) thread.send(command);
  }

  /** Only TCP addresses can be shared: the first thread alone has the unix sockets. */
  #bindsOf(index: number): readonly Bind[] {
    return index === 0 ? this.#bound : this.#bound.filter(({ shared }) => shared);
  }

  #start(index: number): Thread {
    const { memory, onEvents, module } = this.#options;
    const thread: Thread = new Thread({
      index,
      engine: this.#engine,
      memory,
      module,
      wake: (descriptor) => this.#waker?.wake(descriptor),
      onEvents,
      onDeath: (cause) => this.#died(thread, { index, cause }),
    });
    return thread;
  }

  #died(thread: Thread, { index, cause }: { index: number; cause: string }): void {
    const { memory, processSlot, onDeath } = this.#options;
    thread.terminate();
    const held = memory.held[index]!;
    const sessions = held[processSlot] ?? 0;
    // It runs no more when its error arrives here, so nothing of it can be in use.
    engines[this.#engine].cleanUp(memory.owned[index]!);
    this.#places.releaseAll(held);
    const pauseMs = this.#pauseMs(index);
    onDeath({ worker: index, cause, sessions, restartMs: pauseMs });
    if (this.#ending || this.#snapshot === undefined) return;
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      // A thread that dies again on the way has told so itself.
      this.#restart(index).catch(() => {});
    }, pauseMs);
    this.#restarts.add(timer);
  }

  #pauseMs(index: number): number {
    const now = performance.now();
    const last = this.#deaths[index];
    const pauseMs = last === undefined || now - last.at > restartMs.quiet
      ? restartMs.first
      : Math.min(2 * last.pauseMs, restartMs.most);
    this.#deaths[index] = { pauseMs, at: now };
    return pauseMs;
  }

  async #restart(index: number): Promise<void> {
    const thread = this.#threads[index] = this.#start(index);
    await thread.ready;
    if (this.#snapshot !== undefined) thread.send({ type: "snapshot", snapshot: this.#snapshot });
    await this.#listenAgain(index, thread);
    if (this.#accepting) thread.send({ type: "accept" });
    if (this.#ending) thread.send({ type: "drain" });
  }

  /** Somebody else may hold an address by now: tries until it is free. */
  async #listenAgain(index: number, thread: Thread): Promise<void> {
    const binds = this.#bindsOf(index);
    for (;;) {
      try {
        for (const { address } of binds) await removeStale(address);
        await thread.listen(binds);
        return;
      } catch (error) {
        if (thread.dead || this.#ending) throw error;
        this.#options.onFault(`a data-plane thread cannot listen again: ${error}`);
        await new Promise((resolve) => this.#restarts.add(setTimeout(resolve, restartMs.listen)));
      }
    }
  }
}
