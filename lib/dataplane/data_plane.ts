/** One data-plane thread's work: listeners, sessions, counters. It decides nothing; it reads the newest snapshot. */
import { Pool, type PoolSpec } from "../pool/pool.ts";
import { takesSessions } from "../pool/target_state.ts";
import type { Engine, Socket } from "../relay/engine.ts";
import type { SessionContext } from "../session/context.ts";
import { Session } from "../session/session.ts";
import { count } from "../shared/counters.ts";
import type { SharedMemory } from "../shared/layout.ts";
import { Permits } from "../shared/permits.ts";
import { QueueHeads } from "../shared/queue_heads.ts";
import { Readers } from "../shared/readers.ts";
import { type Shared, sharedViews } from "../shared/shared.ts";
import type { SocketAddress } from "../values/address.ts";
import { UnorderedSet } from "../values/unordered_set.ts";
import type { CutReason, Reason } from "../values/words.ts";
import { cutInTurn } from "./cutting.ts";
import { Listeners } from "./listeners.ts";
import type { Bind, Cut, Report } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { isTargetFailure, Outcomes } from "./outcomes.ts";
import { PermitGrace } from "./permit_grace.ts";
import { PoolQueue } from "./pool_queue.ts";
import { Revisions, type RevisionUse } from "./revisions.ts";
import type { ListenerSpec, Snapshot } from "./snapshot.ts";

export interface DataPlaneOptions {
  /** The number of this thread, from 0. */
  readonly worker: number;
  readonly engine: Engine;
  readonly memory: SharedMemory;
  /** Takes reports to the control plane. */
  readonly post: (report: Report) => void;
}

/** What the sessions of a listener need and are counted under, put together once for each snapshot. */
interface ListenerRuntime {
  readonly access: Snapshot["access"];
  readonly listener: ListenerSpec;
  readonly context: SessionContext;
  readonly use: RevisionUse;
}

/** Its owner calls `bind`, `apply` and `accept`, and to end it `drain` or `cut`. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #shared: Shared;
  readonly #counters: Float64Array;
  readonly #outbox: Outbox;
  readonly #sessions = new UnorderedSet<Session>();
  readonly #listeners: Listeners<ListenerRuntime>;
  readonly #revisions: Revisions;
  readonly #permitGrace: PermitGrace | undefined;
  /** The lines in front of the pools, by pool slot: they stay when a snapshot is replaced. */
  readonly #queues = new Map<number, PoolQueue>();
  readonly #queuePermits: Permits;
  readonly #queueHeads: QueueHeads;
  /** Resolves the drain under way. */
  #onLastSession: (() => void) | undefined;
  #isDraining = false;
  /** How many sessions have ended since the drain began, and how many of them were cut for its sake. */
  readonly #drained = { ended: 0, cut: 0 };
  /** Why all sessions were cut last. */
  #cutReason: CutReason | undefined;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    const { engine, memory, worker } = options;
    this.#shared = sharedViews(memory, memory.held[worker]);
    const counters = memory.counters[worker];
    if (counters === undefined) throw new RangeError(`no counters for worker ${worker}`);
    this.#counters = counters;
    this.#outbox = new Outbox(options.post, engine.after);
    const readers = new Readers(memory);
    this.#queuePermits = new Permits({ permits: memory.queued }, memory.heldQueued[worker]);
    this.#queueHeads = new QueueHeads(memory);
    // A thread that is alone gives back every permit before it looks at the next client.
    this.#permitGrace = memory.counters.length > 1 ? new PermitGrace(engine) : undefined;
    this.#revisions = new Revisions((oldest) => readers.set(worker, oldest));
    this.#listeners = new Listeners({
      engine,
      onClient: (client, runtime) => this.#serveOrReset(client, runtime),
      onError: (runtime, cause) => this.#outbox.acceptError(runtime?.listener.name ?? "", cause),
    });
  }

  /** Takes over a snapshot; sessions that are open keep theirs. Throws for one that is not sound, and changes nothing then. */
  apply(snapshot: Snapshot): void {
    const pools = new Map(snapshot.pools.map((spec) => {
      const pool = new Pool(spec, { shared: this.#shared, random: Math.random });
      return [spec.name, { spec, pool }];
    }));
    const stray = snapshot.listeners.find(({ pool }) => !pools.has(pool));
    if (stray !== undefined) throw new Error(`listener ${stray.name}: no pool ${stray.pool}`);
    for (const { spec, pool } of pools.values()) this.#queueOf(spec, pool).renew(pool);
    const slots = new Set(snapshot.pools.map(({ slot }) => slot));
    for (const [slot, queue] of this.#queues) if (!slots.has(slot)) queue.remove();
    const served = snapshot.listeners.map((listener) => ({
      listener,
      context: this.#context(snapshot, listener, pools.get(listener.pool)!.spec),
    }));
    const use = this.#revisions.begin(snapshot.revision);
    const { access } = snapshot;
    const runtimes = new Map(
      served.flatMap(({ listener, context }) =>
        listener.binds.map((key): [string, ListenerRuntime] => [key, { access, listener, context, use }])
      ),
    );
    this.#listeners.route((key) => runtimes.get(key));
  }

  /** Binds all addresses or none, besides those bound before; throws BindError for the first that fails. */
  bind(binds: readonly Bind[]): SocketAddress[] {
    return this.#listeners.bind(binds);
  }

  /** Serves what waits in the accept queues of these binds, and closes them; resolves once they are closed. */
  unbind(keys: readonly string[]): Promise<void> {
    return this.#listeners.unbind(keys);
  }

  /** Accepts on every bind that the newest snapshot names, now and whenever one is added. */
  accept(): void {
    this.#listeners.accept();
  }

  /** Unbinds everything; posts `drained` when the last session has ended. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await this.#listeners.close();
    if (this.#sessions.size > 0) await new Promise<void>((resolve) => this.#onLastSession = resolve);
    this.#outbox.flush();
    this.#options.post({ type: "drained", ...this.#drained });
  }

  /**
   * Ends sessions that are open now. Where that is all of them, what still comes out of the accept queues of a drain is cut as it
   * begins.
   */
  cut({ reason, spreadMs, slots }: Cut): void {
    if (slots === undefined) this.#cutReason = reason;
    const of = slots && new Set(slots);
    cutInTurn(this.#sessions.members().filter((session) => of === undefined || session.uses(of)), {
      engine: this.#options.engine,
      spreadMs,
      // A session may have gone on to another target meanwhile, and a target that was down may be up again.
      isOpen: (session) =>
        this.#sessions.has(session) && (of === undefined || session.uses(of)) &&
        !(reason === "target_down" &&
          slots?.every((slot) => takesSessions(this.#shared.targets.state(slot)))),
      cut: (session) => session.cut(reason),
      onFault: (fault) => this.#outbox.fault(fault),
    });
  }

  /** Reports a fault in the program, which costs one session at most. */
  fault(error: unknown): void {
    this.#outbox.fault(error);
  }

  #serveOrReset(client: Socket, runtime: ListenerRuntime): void {
    try {
      this.#serve(client, runtime);
    } catch (error) {
      this.#outbox.fault(error);
      client.reset();
    }
  }

  #serve(client: Socket, runtime: ListenerRuntime): void {
    const { memory, worker } = this.#options;
    // In shared memory, so that a thread which takes the place of a dead one goes on with its numbers.
    const number = ++memory.sessionNumbers[worker]!;
    const session = new Session(client, { number, context: runtime.context });
    this.#sessions.add(session);
    runtime.use.enter();
    if (this.#isDraining && this.#cutReason !== undefined) session.cut(this.#cutReason);
    session.closed.then((reason) => this.#closed(session, reason, runtime), (error) => {
      this.#outbox.fault(error);
      this.#closed(session, session.failed(), runtime);
    });
  }

  #closed(session: Session, reason: Reason, runtime: ListenerRuntime): void {
    try {
      this.#count(session, reason, runtime);
    } catch (error) {
      this.#outbox.fault(error);
    }
    this.#forget(session, runtime);
  }

  #forget(session: Session, { use }: ListenerRuntime): void {
    if (this.#isDraining) this.#drained[session.isCutByDrain ? "cut" : "ended"]++;
    this.#sessions.delete(session);
    use.leave();
    if (this.#sessions.size === 0) this.#onLastSession?.();
  }

  #queueOf({ slot }: PoolSpec, pool: Pool): PoolQueue {
    let queue = this.#queues.get(slot);
    if (queue === undefined) {
      const { engine, worker: thread } = this.#options;
      queue = new PoolQueue(pool, {
        engine,
        thread,
        slot,
        permits: this.#queuePermits,
        heads: this.#queueHeads,
      });
      this.#queues.set(slot, queue);
    }
    return queue;
  }

  #context(snapshot: Snapshot, listener: ListenerSpec, spec: PoolSpec): SessionContext {
    const { slot, maxConnections } = snapshot.process;
    const { permits, targets } = this.#shared;
    const { name: pool, maxFailures } = spec;
    return {
      thread: this.#options.worker,
      generation: snapshot.generation,
      engine: this.#options.engine,
      listener,
      queue: this.#queues.get(spec.slot)!,
      outcomes: new Outcomes({
        pool,
        maxFailures,
        words: targets,
        post: this.#options.post,
        gather: (failing) => this.#outbox.failing(failing),
      }),
      limits: [
        { slot, max: maxConnections, reason: "limit_process" },
        { slot: listener.slot, max: listener.maxConnections, reason: "limit_listener" },
      ],
      permits,
      permitGrace: this.#permitGrace,
      targetWords: targets,
      queueTimeoutMs: listener.queueTimeoutMs,
      connectTimeoutMs: listener.connectTimeoutMs,
      relayLimits: listener.relayLimits,
      onAttempt: ({ session, target, attempt, detail }) => {
        const { error } = attempt;
        if (error === null) return count(this.#counters, { slot: target.slot, field: "total" });
        if (isTargetFailure(error)) count(this.#counters, { slot: target.slot, field: "failed" });
        this.#outbox.failedAttempt({ ...attempt, session: session.id, pool, detail });
      },
    };
  }

  #count(session: Session, reason: Reason, { access, listener: { slot } }: ListenerRuntime): void {
    const region = this.#counters;
    const { receivedBytes, sentBytes, target } = session;
    count(region, { slot, field: "total" });
    count(region, { slot, field: "receivedBytes" }, receivedBytes);
    count(region, { slot, field: "sentBytes" }, sentBytes);
    if (target === undefined) count(region, { slot, field: "failed" });
    else {
      count(region, { slot: target.slot, field: "receivedBytes" }, receivedBytes);
      count(region, { slot: target.slot, field: "sentBytes" }, sentBytes);
    }
    if (access === "all" || (access === "abnormal" && reason !== "done")) {
      this.#outbox.closed(session.record());
    }
  }
}
