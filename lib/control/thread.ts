/** One data-plane thread as the control plane sees it. */
import type { SharedMemory } from "../dataplane/memory.ts";
import type { Bind, Command, Report } from "../dataplane/messages.ts";
import type { EngineName } from "../values/words.ts";
import type { SocketAddress } from "../values/address.ts";

export type Events = Extract<Report, { type: "events" }>;

export interface ThreadOptions {
  readonly index: number;
  readonly engine: EngineName;
  /** Calls a thread that waits in the kernel to look after its messages. */
  readonly wake: (descriptor: number) => void;
  readonly memory: SharedMemory;
  readonly onEvents: (events: Events) => void;
  /** The thread is dead: an error in it that nothing caught. */
  readonly onDeath: (cause: string) => void;
  /** What the thread runs; by default the data plane. */
  readonly module?: URL | undefined;
}

const dataPlane = new URL("../dataplane/worker.ts", import.meta.url);

/** Owns a Worker; `terminate` ends it. */
export class Thread {
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<void>();
  readonly #drained = Promise.withResolvers<void>();
  #listening = Promise.withResolvers<readonly SocketAddress[]>();
  readonly #wake: (descriptor: number) => void;
  #wakeDescriptor: number | undefined;
  #dead = false;
  /** Messages on their way to a thread that cannot be called yet. */
  #uncalled = 0;

  constructor({ index, engine, wake, memory, onEvents, onDeath, module = dataPlane }: ThreadOptions) {
    this.#wake = wake;
    this.#worker = new Worker(module, { type: "module", name: `data plane ${index}` });
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => this.#receive(data, onEvents);
    this.#worker.onerror = (event) => {
      // Without this the error would end the main thread as well.
      event.preventDefault();
      if (this.#dead) return;
      this.#dead = true;
      this.#ready.reject(new Error(event.message));
      this.#listening.reject(new Error(event.message));
      this.#drained.resolve();
      onDeath(event.message);
    };
    // Where nobody waits, `onDeath` has told it.
    for (const { promise } of [this.#ready, this.#listening]) promise.catch(() => {});
    this.#worker.postMessage({ type: "start", worker: index, engine, memory } satisfies Command);
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Resolves once the thread takes commands. Rejects when it dies before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves once a `drain` is through: no listener, no session. */
  get drained(): Promise<void> {
    return this.#drained.promise;
  }

  /** A thread that is dead hears nothing. */
  send(command: Command): void {
    if (this.#dead) return;
    this.#worker.postMessage(command);
    this.#uncalled++;
    this.#call();
  }

  /** Binds; resolves to the addresses in fact bound. Throws ListenError for the first that fails; then none is bound. */
  listen(binds: readonly Bind[]): Promise<readonly SocketAddress[]> {
    this.#listening = Promise.withResolvers();
    if (this.#dead) this.#listening.reject(new Error("the thread is dead"));
    this.send({ type: "listen", binds });
    return this.#listening.promise;
  }

  terminate(): void {
    this.#dead = true;
    this.#worker.terminate();
  }

  /** One call for each message: the thread listens until it has heard as many. */
  #call(): void {
    if (this.#wakeDescriptor === undefined) return;
    for (; this.#uncalled > 0; this.#uncalled--) this.#wake(this.#wakeDescriptor);
  }

  #receive(report: Report, onEvents: (events: Events) => void): void {
    switch (report.type) {
      case "ready":
        this.#wakeDescriptor = report.wakeDescriptor;
        this.#call();
        return this.#ready.resolve();
      case "listening":
        return this.#listening.resolve(report.addresses);
      case "listenFailed":
        return this.#listening.reject(new ListenError(report.bind, report.cause));
      case "drained":
        return this.#drained.resolve();
      case "events":
        return onEvents(report);
    }
  }
}

/** An address of a listener cannot be listened on; the message is what the system said. */
export class ListenError extends Error {
  readonly listener: string;
  readonly address: SocketAddress;

  constructor(bind: Pick<Bind, "listener" | "address">, cause: string) {
    super(cause);
    this.listener = bind.listener;
    this.address = bind.address;
  }
}
