/** One data-plane thread's work: listeners, sessions, counts. It decides nothing; it reads the newest snapshot. */
import { Pool } from "../pool/pool.ts";
import { SharedPoolState } from "../pool/shared.ts";
import type { Acceptor, Engine, Socket } from "../relay/engine.ts";
import { Session, type SessionContext } from "../session/session.ts";
import type { SocketAddress } from "../values/address.ts";
import { UnorderedSet } from "../values/unordered_set.ts";
import type { CutReason, Reason } from "../values/words.ts";
import { count, type SharedMemory } from "./memory.ts";
import type { Bind, Report } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import type { ListenerSpec, PoolPlan, Snapshot } from "./snapshot.ts";

export interface DataPlaneOptions {
  /** The number of this thread, from 0. */
  readonly worker: number;
  readonly engine: Engine;
  readonly memory: SharedMemory;
  /** Takes reports to the control plane. */
  readonly post: (report: Report) => void;
}

/** Failed attempts that say nothing about the target. */
const notTheTargets: ReadonlySet<string> = new Set(["client_gone_connect", "resource"]);

/** What the sessions of a listener need and are counted under, put together once for each snapshot. */
interface Route {
  readonly access: Snapshot["access"];
  readonly listenerSlot: number;
  readonly context: SessionContext;
}

/** See above. Its owner calls `listen`, `apply` and `accept`, and to end it `drain` or `cut`. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #places: SharedPoolState;
  readonly #counts: Float64Array;
  readonly #outbox: Outbox;
  readonly #sessions = new UnorderedSet<Session>();
  readonly #acceptors: { readonly listener: string; readonly acceptor: Acceptor }[] = [];
  #pools = new Map<string, Pool>();
  #routes = new Map<string, Route>();
  /** How many of the acceptors, from the first, accept already. */
  #accepting = 0;
  #opened = 0;
  #draining = false;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    const { pools, held, counts: allCounts } = options.memory;
    this.#places = new SharedPoolState(pools, held[options.worker]);
    const counts = allCounts[options.worker];
    if (counts === undefined) throw new RangeError(`no counts for worker ${options.worker}`);
    this.#counts = counts;
    this.#outbox = new Outbox(options.post, options.engine.after);
  }

  /** Takes over a snapshot; sessions that are open keep theirs. */
  apply(snapshot: Snapshot): void {
    const previous = this.#pools;
    const pools = new Map(snapshot.pools.map((plan) => {
      const pool = new Pool(plan, {
        shared: this.#places,
        random: Math.random,
        previous: previous.get(plan.name),
      });
      return [plan.name, pool];
    }));
    this.#routes = new Map(snapshot.listeners.map((listener) => {
      const plan = snapshot.pools.find(({ name }) => name === listener.pool);
      const pool = pools.get(listener.pool);
      if (plan === undefined || pool === undefined) {
        throw new Error(`listener ${listener.name}: no pool ${listener.pool}`);
      }
      return [listener.name, {
        access: snapshot.access,
        listenerSlot: listener.slot,
        context: this.#context(snapshot, listener, { plan, pool }),
      }];
    }));
    this.#pools = pools;
  }

  /** Binds all addresses or none, besides those bound before; throws BindError for the first that fails. */
  listen(binds: readonly Bind[]): SocketAddress[] {
    const before = this.#acceptors.length;
    for (const bind of binds) {
      const { listener, address, shared } = bind;
      try {
        const onError = (cause: string) => this.#outbox.acceptError(listener, cause);
        this.#acceptors.push({
          listener,
          acceptor: this.#options.engine.listen(address, { shared, onError }),
        });
      } catch (error) {
        this.#closeAcceptors(before);
        throw new BindError(bind, { cause: error });
      }
    }
    return this.#acceptors.slice(before).map(({ acceptor }) => acceptor.address);
  }

  /** Begins to accept on every listener that does not yet. */
  accept(): void {
    const begun = this.#accepting;
    this.#accepting = this.#acceptors.length;
    for (const { listener, acceptor } of this.#acceptors.slice(begun)) {
      // A listener that serves no more must not go unnoticed: the kernel goes on giving it its share of the clients.
      this.#acceptAll(listener, acceptor).catch((error) =>
        queueMicrotask(() => {
          throw error;
        })
      );
    }
  }

  /** Closes the listeners; posts `drained` when the last session has ended. */
  drain(): void {
    this.#closeAcceptors();
    this.#draining = true;
    // Not now: a client accepted in this turn of the loop has no session yet.
    this.#options.engine.after(0, () => this.#tellIfDrained());
  }

  /** Ends the sessions that are open now, evenly over `spreadMs`: their clients do not all come back at once. */
  cut(reason: CutReason, spreadMs: number): void {
    const sessions = this.#sessions.members();
    for (const [index, session] of sessions.entries()) {
      if (spreadMs === 0) session.cut(reason);
      else this.#options.engine.after(spreadMs * index / sessions.length, () => session.cut(reason));
    }
  }

  async #acceptAll(listener: string, acceptor: Acceptor): Promise<void> {
    for (;;) {
      const client = await acceptor.accept();
      if (client === undefined) return;
      try {
        this.#serve(listener, client);
      } catch (error) {
        client.reset();
        this.#outbox.fault(error);
      }
    }
  }

  #serve(listenerName: string, client: Socket): void {
    const route = this.#routes.get(listenerName);
    if (route === undefined) {
      throw new Error(`a client for listener ${listenerName} before its first snapshot`);
    }
    const session = new Session(client, { number: ++this.#opened, context: route.context });
    this.#sessions.add(session);
    session.closed.then((reason) => {
      this.#account(session, reason, route);
      this.#forget(session);
    }, (error) => {
      this.#outbox.fault(error);
      this.#forget(session);
    });
  }

  #forget(session: Session): void {
    this.#sessions.delete(session);
    this.#tellIfDrained();
  }

  #context(
    snapshot: Snapshot,
    listener: ListenerSpec,
    { plan, pool }: { plan: PoolPlan; pool: Pool },
  ): SessionContext {
    const { slot, maxConnections } = snapshot.process;
    return {
      thread: this.#options.worker,
      generation: snapshot.generation,
      engine: this.#options.engine,
      listener,
      pool,
      limits: [
        { slot, max: maxConnections, reason: "limit_process" },
        { slot: listener.slot, max: listener.maxConnections, reason: "limit_listener" },
      ],
      places: this.#places,
      retryAttempts: plan.retryAttempts,
      connectTimeoutMs: listener.connectTimeoutMs,
      relayLimits: listener.relayLimits,
      onAttempt: ({ session, target, attempt }) => {
        const { error } = attempt;
        if (error === null) return count(this.#counts, { slot: target.slot, field: "total" });
        if (!notTheTargets.has(error)) count(this.#counts, { slot: target.slot, field: "failed" });
        this.#outbox.failedAttempt({ ...attempt, session: session.id, pool: pool.name });
      },
    };
  }

  #account(session: Session, reason: Reason, { access, listenerSlot }: Route): void {
    const region = this.#counts;
    const { receivedBytes, sentBytes, target } = session;
    count(region, { slot: listenerSlot, field: "total" });
    count(region, { slot: listenerSlot, field: "receivedBytes" }, receivedBytes);
    count(region, { slot: listenerSlot, field: "sentBytes" }, sentBytes);
    if (target === undefined) count(region, { slot: listenerSlot, field: "failed" });
    else {
      count(region, { slot: target.slot, field: "receivedBytes" }, receivedBytes);
      count(region, { slot: target.slot, field: "sentBytes" }, sentBytes);
    }
    if (access === "all" || (access === "abnormal" && reason !== "done")) {
      this.#outbox.closed(session.record());
    }
  }

  #closeAcceptors(from = 0): void {
    for (const { acceptor } of this.#acceptors.splice(from)) acceptor[Symbol.dispose]();
  }

  #tellIfDrained(): void {
    if (!this.#draining || this.#sessions.size > 0) return;
    this.#draining = false;
    this.#outbox.flush();
    this.#options.post({ type: "drained" });
  }
}

/** A listener could not be bound; `cause` is what the system said. */
export class BindError extends Error {
  readonly bind: Bind;

  constructor(bind: Bind, options: ErrorOptions) {
    super(options.cause instanceof Error ? options.cause.message : String(options.cause), options);
    this.bind = bind;
  }
}
