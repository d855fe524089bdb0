/** One data-plane thread as the control plane sees it. */
import type { Bind, BindFailure, Command, Drained, Report } from "../dataplane/messages.ts";
import type { SharedMemory } from "../shared/layout.ts";
import type { SocketAddress } from "../values/address.ts";
import type { EngineName } from "../values/words.ts";

export type ThreadEvents = Extract<Report, { type: "events" }>;

/** What a thread has seen of targets, for the control plane to decide about. */
export type TargetReport = Extract<Report, { type: "failing" | "trial" }>;

export interface ThreadOptions {
  readonly index: number;
  /** Has a thread that waits in the kernel receive its messages. */
  readonly wake: (descriptor: number) => void;
  readonly memory: SharedMemory;
  readonly onEvents: (events: ThreadEvents) => void;
  readonly onTargetReport: (report: TargetReport) => void;
  /** Called when the thread is dead: an error in it that nothing caught. */
  readonly onDeath: (cause: string) => void;
  /** What the thread runs; by default the data plane. */
  readonly module?: URL | undefined;
}

const dataPlane = new URL("../dataplane/worker.ts", import.meta.url);

/** Owns a Worker, which loads its program and waits for `start`; `terminate` ends it. */
export class Thread {
  readonly #worker: Worker;
  readonly #start: Omit<Extract<Command, { type: "start" }>, "engine">;
  readonly #ready = Promise.withResolvers<void>();
  readonly #drained = Promise.withResolvers<Drained | undefined>();
  /** By the id of their command, those who wait for addresses to be bound. */
  readonly #binds = new Map<number, PromiseWithResolvers<readonly SocketAddress[]>>();
  /** By the id of their command, those who wait until binds are closed. */
  readonly #unbinds = new Map<number, () => void>();
  readonly #wake: (descriptor: number) => void;
  #wakeDescriptor: number | undefined;
  #isDead = false;
  /** Messages sent to a thread that cannot be woken yet. */
  #unannounced = 0;
  /** The id of the last command that has one. */
  #lastId = 0;
  /** When the ping that has no answer was sent. */
  #pingedAt: number | undefined;

  constructor(options: ThreadOptions) {
    const { index, wake, memory, onDeath, module = dataPlane } = options;
    this.#start = { type: "start", worker: index, memory };
    this.#wake = wake;
    this.#worker = new Worker(module, { type: "module", name: `data plane ${index}` });
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => this.#receive(data, options);
    this.#worker.onerror = (event) => {
      // Without this the error would end the main thread as well.
      event.preventDefault();
      if (this.#isDead) return;
      this.#end(event.message);
      onDeath(event.message);
    };
    // Where nobody waits, `onDeath` has reported it.
    this.#ready.promise.catch(() => {});
  }

  start(engine: EngineName): void {
    if (!this.#isDead) this.#worker.postMessage({ ...this.#start, engine } satisfies Command);
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Resolves once the thread takes commands. Rejects when it dies before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves once a `drain` is through (no listener, no session), with what it came to; undefined = the thread is dead. */
  get drained(): Promise<Drained | undefined> {
    return this.#drained.promise;
  }

  /** Sends a command; a dead thread receives nothing. */
  send(command: Command): void {
    if (this.#isDead) return;
    this.#worker.postMessage(command);
    this.#unannounced++;
    this.#announce();
  }

  /** Binds; resolves to the addresses in fact bound. Rejects with ThreadBindError for the first that fails; then none is bound. */
  bind(binds: readonly Bind[]): Promise<readonly SocketAddress[]> {
    if (this.#isDead) return Promise.reject(new Error("the thread is dead"));
    const id = ++this.#lastId;
    const bound = Promise.withResolvers<readonly SocketAddress[]>();
    this.#binds.set(id, bound);
    this.send({ type: "bind", id, binds });
    return bound.promise;
  }

  /** Serves what waits in the accept queues of these binds, and closes them; resolves once they are closed, or the thread is dead. */
  unbind(keys: readonly string[]): Promise<void> {
    if (this.#isDead) return Promise.resolve();
    const id = ++this.#lastId;
    const closed = new Promise<void>((resolve) => this.#unbinds.set(id, resolve));
    this.send({ type: "unbind", id, keys });
    return closed;
  }

  /** Asks for a sign of life, unless one is owed already; for how long the thread has owed one, in milliseconds. */
  ping(now: number): number {
    if (this.#isDead) return 0;
    if (this.#pingedAt !== undefined) return now - this.#pingedAt;
    this.#pingedAt = now;
    this.send({ type: "ping" });
    return 0;
  }

  /** Ends the thread wherever it is; whoever waits for it learns of it. */
  terminate(): void {
    this.#worker.terminate();
    this.#end("the thread was terminated");
  }

  /** Whoever waits for the thread waits no longer. */
  #end(cause: string): void {
    this.#isDead = true;
    this.#ready.reject(new Error(cause));
    this.#drained.resolve(undefined);
    for (const { reject } of this.#binds.values()) reject(new Error(cause));
    for (const resolve of this.#unbinds.values()) resolve();
    this.#binds.clear();
    this.#unbinds.clear();
  }

  /** Wakes the thread once for each message: it goes on receiving until it has as many. */
  #announce(): void {
    if (this.#wakeDescriptor === undefined) return;
    for (; this.#unannounced > 0; this.#unannounced--) this.#wake(this.#wakeDescriptor);
  }

  #receive(report: Report, { onEvents, onTargetReport }: ThreadOptions): void {
    switch (report.type) {
      case "ready":
        this.#wakeDescriptor = report.wakeDescriptor;
        this.#announce();
        return this.#ready.resolve();
      case "bound":
        this.#binds.get(report.id)?.resolve(report.addresses);
        this.#binds.delete(report.id);
        return;
      case "bindFailed":
        this.#binds.get(report.id)?.reject(new ThreadBindError(report.key, report.failure));
        this.#binds.delete(report.id);
        return;
      case "unbound":
        this.#unbinds.get(report.id)?.();
        this.#unbinds.delete(report.id);
        return;
      case "drained":
        return this.#drained.resolve({ ended: report.ended, cut: report.cut });
      case "pong":
        this.#pingedAt = undefined;
        return;
      case "events":
        return onEvents(report);
      case "failing":
      case "trial":
        return onTargetReport(report);
    }
  }
}

/** A bind of this key has failed. */
export class ThreadBindError extends Error {
  readonly key: string;
  readonly failure: BindFailure;

  constructor(key: string, failure: BindFailure) {
    super(failure.message);
    this.key = key;
    this.failure = failure;
  }
}
