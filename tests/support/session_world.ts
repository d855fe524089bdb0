import { Outcomes } from "../../lib/dataplane/outcomes.ts";
import type { Report } from "../../lib/dataplane/messages.ts";
import { PoolQueue } from "../../lib/dataplane/pool_queue.ts";
import { Pool, type PoolSpec } from "../../lib/pool/pool.ts";
import type { Target } from "../../lib/pool/target.ts";
import { stateBits } from "../../lib/pool/target_state.ts";
import type { Acceptor } from "../../lib/relay/engine.ts";
import type { Attempt } from "../../lib/session/record.ts";
import type { SessionContext } from "../../lib/session/context.ts";
import { Session } from "../../lib/session/session.ts";
import { allocateMemory, capacity } from "../../lib/shared/layout.ts";
import { Permits } from "../../lib/shared/permits.ts";
import { QueueHeads } from "../../lib/shared/queue_heads.ts";
import { sharedViews } from "../../lib/shared/shared.ts";
import { formatAddress, type SocketAddress } from "../../lib/values/address.ts";
import { MemoryEngine } from "./memory_engine.ts";
import type { MemorySocket } from "./memory_socket.ts";
import { poolSettings } from "./pool_settings.ts";
import { unlimited } from "../../lib/relay/engine.ts";

/** The slots of the process and of the listener; targets begin behind them. */
export const processSlot = 0;
export const listenerSlot = 1;
const firstTargetSlot = 2;

/** A target that a test can listen as; `acceptor` is undefined where nobody listens. */
export interface WorldTarget {
  readonly target: Target;
  readonly acceptor: Acceptor | undefined;
}

/** Sessions without sockets: an engine, permits, one listener, and a pool of targets tried in their order. */
export class SessionWorld implements Disposable {
  readonly engine = new MemoryEngine();
  readonly memory = allocateMemory(1);
  readonly shared = sharedViews(this.memory);
  /** What the control plane is told of targets. */
  readonly reports: Report[] = [];
  readonly attempts: { readonly target: string; readonly attempt: Attempt; readonly detail: string }[] = [];
  readonly #front: Acceptor;
  readonly #targets: WorldTarget[] = [];
  readonly #opened = new DisposableStack();
  readonly #poolTraits: Partial<PoolSpec>;
  #queue: PoolQueue | undefined;
  #sessions = 0;

  constructor(poolTraits: Partial<PoolSpec> = {}) {
    this.#poolTraits = poolTraits;
    this.#front = this.#opened.use(this.#listen("10.0.0.1"));
  }

  /** Adds a target; `listening: false` makes one whose address refuses. */
  target(
    traits: Partial<Target> & { readonly listening?: boolean; readonly serving?: boolean } = {},
  ): WorldTarget {
    const { listening = true, serving = true, ...own } = traits;
    const slot = firstTargetSlot + this.#targets.length;
    const host = `10.0.1.${this.#targets.length + 1}`;
    const acceptor = listening ? this.#opened.use(this.#listen(host)) : undefined;
    const address: SocketAddress = acceptor?.address ?? { kind: "tcp", host, port: 1 };
    const fixed = { weight: 1, maxConnections: Infinity, tier: 0 };
    const target = { name: formatAddress(address), addresses: [address], slot, ...fixed, ...own };
    this.shared.targets.set(slot, { state: serving ? stateBits.up : 0, weight: target.weight });
    this.shared.pools.advanceEpoch(0);
    const added = { target, acceptor };
    this.#targets.push(added);
    return added;
  }

  /** A client that has dialled in, and its session with a context as told. */
  async open(context: Partial<SessionContext> = {}): Promise<{ client: MemorySocket; session: Session }> {
    const client = this.#opened.use(this.engine.dial(this.#front.address));
    const socket = await this.#front.accept();
    if (socket === undefined) throw new Error("the listener is closed");
    return {
      client,
      session: new Session(socket, {
        number: ++this.#sessions,
        context: { ...this.#context(), ...context },
      }),
    };
  }

  /** Permits taken anywhere, of the process, the listener and every target together. */
  get permitsTaken(): number {
    const slots = Array.from({ length: capacity.slots }, (_, slot) => slot);
    return slots.reduce((sum, slot) => sum + this.shared.permits.taken(slot), 0);
  }

  /** How many clients wait for a target. */
  get queued(): number {
    return this.memory.queued[0]!;
  }

  [Symbol.dispose](): void {
    this.#opened.dispose();
  }

  #context(): SessionContext {
    const targets = this.#targets.map(({ target }) => target);
    const spec = {
      name: "app",
      slot: 0,
      algorithm: "first",
      targets,
      ...poolSettings,
      ...this.#poolTraits,
    } as const;
    return {
      thread: 0,
      generation: 7,
      engine: this.engine,
      listener: { name: "web" },
      queue: this.#queueOf(new Pool(spec, { shared: this.shared, random: () => 0 })),
      outcomes: new Outcomes({
        pool: "app",
        maxFailures: spec.maxFailures,
        words: this.shared.targets,
        post: (report) => void this.reports.push(report),
        gather: (failing) => void this.reports.push({ type: "failing", targets: [failing] }),
      }),
      limits: [
        { slot: processSlot, max: 100, reason: "limit_process" },
        { slot: listenerSlot, max: 100, reason: "limit_listener" },
      ],
      permits: this.shared.permits,
      targetWords: this.shared.targets,
      queueTimeoutMs: 5_000,
      connectTimeoutMs: 5_000,
      relayLimits: unlimited,
      onAttempt: ({ target, attempt, detail }) =>
        this.attempts.push({ target: target.name, attempt, detail }),
    };
  }

  #queueOf(pool: Pool): PoolQueue {
    const permits = new Permits({ permits: this.memory.queued });
    const heads = new QueueHeads(this.memory);
    this.#queue ??= new PoolQueue(pool, { engine: this.engine, thread: 0, slot: 0, permits, heads });
    this.#queue.renew(pool);
    return this.#queue;
  }

  #listen(host: string): Acceptor {
    return this.engine.listen({ kind: "tcp", host, port: 0 }, { shared: false, onError: () => {} });
  }
}
