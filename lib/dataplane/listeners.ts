/** The addresses that a data-plane thread listens on, and which listener's rules their clients get. */
import type { Acceptor, Engine, Socket } from "../relay/engine.ts";
import type { SocketAddress } from "../values/address.ts";
import { errorCode } from "../values/system_error.ts";
import type { Bind, BindFailure } from "./messages.ts";
import type { RevisionUse } from "./revisions.ts";

/** So many clients wait at most to be handed over: each has a descriptor, and no permit yet. */
const maxAccepted = 16;

export interface ListenersOptions<Runtime> {
  readonly engine: Engine;
  /** Takes an accepted client, with the rules that its bind has by now. Owns it from here on. */
  readonly onClient: (client: Socket, runtime: Runtime) => void;
  /** Called for each accept that failed. */
  readonly onError: (runtime: Runtime | undefined, cause: string) => void;
}

/** The rules for clients; `use` says whether they are in use, by a bind or by a session. */
interface Rules {
  readonly use: RevisionUse;
}

interface Listening<Runtime> {
  readonly acceptor: Acceptor;
  /** The rules for its clients. A bind that leaves a snapshot keeps the ones it had, for those who wait in its queue. */
  runtime: Runtime | undefined;
  /** Ends with the acceptor, once all its clients are accepted; undefined before the first accept. */
  loop: Promise<void> | undefined;
}

/**
 * Binds, accepts, unbinds. A bind has a key, and the rules for its clients come by that key with each snapshot, so that it can
 * pass from one listener to another without being closed.
 */
export class Listeners<Runtime extends Rules> {
  readonly #options: ListenersOptions<Runtime>;
  readonly #bound = new Map<string, Listening<Runtime>>();
  /** Accept loops that have not ended. */
  readonly #loops = new Set<Promise<void>>();
  /** Clients that were accepted and wait until what has happened before is dealt with. */
  #accepted: { readonly client: Socket; readonly listening: Listening<Runtime> }[] = [];
  /** Called when those are handed over: each is an accept loop that has paused. */
  #paused: (() => void)[] = [];
  readonly #handOver = () => this.#handOverAccepted();
  #mayAccept = false;

  constructor(options: ListenersOptions<Runtime>) {
    this.#options = options;
  }

  /** Binds all addresses or none; returns those in fact bound, in their order. Throws BindError for the first that fails. */
  bind(binds: readonly Bind[]): SocketAddress[] {
    const added: string[] = [];
    for (const bind of binds) {
      try {
        this.#bound.set(bind.key, this.#listen(bind));
        added.push(bind.key);
      } catch (error) {
        for (const key of added) {
          this.#bound.get(key)?.acceptor[Symbol.dispose]();
          this.#bound.delete(key);
        }
        throw new BindError(bind.key, { cause: error });
      }
    }
    return added.map((key) => this.#bound.get(key)!.acceptor.address);
  }

  /** Gives each bind the rules for its clients from now on; a bind that `runtimeOf` does not know keeps its own. */
  route(runtimeOf: (key: string) => Runtime | undefined): void {
    for (const [key, listening] of this.#bound) {
      const runtime = runtimeOf(key);
      if (runtime === undefined) continue;
      runtime.use.enter();
      listening.runtime?.use.leave();
      listening.runtime = runtime;
    }
    if (this.#mayAccept) this.accept();
  }

  /** Accepts on every bind that has rules, now and whenever one gets them. */
  accept(): void {
    this.#mayAccept = true;
    for (const listening of this.#bound.values()) {
      if (listening.loop !== undefined || listening.runtime === undefined) continue;
      listening.loop = this.#follow(this.#acceptAll(listening));
    }
  }

  /**
   * Serves what waits in the accept queues of these binds, and closes them; resolves once they are closed and their clients handed
   * over. Their rules are in use until then.
   */
  async unbind(keys: Iterable<string>): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const key of [...keys]) {
      const listening = this.#bound.get(key);
      if (listening === undefined) continue;
      this.#bound.delete(key);
      closing.push(this.#follow(this.#closeBind(listening)));
    }
    await Promise.all(closing);
  }

  /** Unbinds everything; resolves once every client that was accepted has been handed over. */
  async close(): Promise<void> {
    this.#mayAccept = false;
    this.unbind(this.#bound.keys());
    while (this.#loops.size > 0) await Promise.all(this.#loops);
  }

  async #closeBind({ acceptor, loop, runtime }: Listening<Runtime>): Promise<void> {
    // Nobody has been accepted yet: whoever waits there is refused by the kernel.
    if (loop === undefined) acceptor[Symbol.dispose]();
    else {
      await acceptor.drain();
      await loop;
      await new Promise<void>((resolve) => this.#options.engine.whenSettled(resolve));
    }
    runtime?.use.leave();
  }

  #listen({ address, shared }: Bind): Listening<Runtime> {
    // Not by its key: one that goes still accepts when it is no longer found.
    const onError = (cause: string) => this.#options.onError(listening.runtime, cause);
    const listening: Listening<Runtime> = {
      acceptor: this.#options.engine.listen(address, { shared, onError }),
      runtime: undefined,
      loop: undefined,
    };
    return listening;
  }

  #follow(work: Promise<void>): Promise<void> {
    const loop = work.catch((error) =>
      // A listener that serves no more must not go unnoticed: the kernel goes on giving it its share of the clients.
      queueMicrotask(() => {
        throw error;
      })
    ).finally(() => this.#loops.delete(loop));
    this.#loops.add(loop);
    return loop;
  }

  async #acceptAll(listening: Listening<Runtime>): Promise<void> {
    for (;;) {
      const client = await listening.acceptor.accept();
      if (client === undefined) return;
      // A session that ended in the same moment is to give its permits back first, or its successor would be refused.
      const count = this.#accepted.push({ client, listening });
      if (count === 1) this.#options.engine.whenSettled(this.#handOver);
      if (count >= maxAccepted) await new Promise<void>((resolve) => this.#paused.push(resolve));
    }
  }

  #handOverAccepted(): void {
    const accepted = this.#accepted;
    this.#accepted = [];
    for (const resume of this.#paused.splice(0)) resume();
    for (const { client, listening } of accepted) this.#options.onClient(client, listening.runtime!);
  }
}

/** An address could not be bound; `cause` is what the system said. */
export class BindError extends Error {
  /** Of the bind. */
  readonly key: string;
  readonly failure: BindFailure;

  constructor(key: string, options: ErrorOptions) {
    const { cause } = options;
    const message = cause instanceof Error ? cause.message : String(cause);
    super(message, options);
    this.key = key;
    // An engine that puts it in words of its own keeps the system's error as the cause.
    const code = errorCode(cause) ?? (cause instanceof Error ? errorCode(cause.cause) : undefined);
    this.failure = { code, message };
  }
}
