import { Pool } from "../../lib/pool/pool.ts";
import type { Target } from "../../lib/pool/target.ts";
import { stateBits } from "../../lib/pool/target_state.ts";
import type { Acceptor, RelayLimits } from "../../lib/relay/engine.ts";
import type { Attempt } from "../../lib/session/record.ts";
import { Session, type SessionContext } from "../../lib/session/session.ts";
import { allocateMemory, capacity } from "../../lib/shared/layout.ts";
import { sharedViews } from "../../lib/shared/shared.ts";
import { formatAddress, type SocketAddress } from "../../lib/values/address.ts";
import { MemoryEngine } from "./memory_engine.ts";
import type { MemorySocket } from "./memory_socket.ts";
import { poolSettings } from "./pool_settings.ts";

/** No limit at all. */
export const unlimited: RelayLimits = {
  idleMs: Infinity,
  halfClosedMs: Infinity,
  stallMs: Infinity,
  lifetimeMs: Infinity,
  keepAliveMs: Infinity,
};

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
  readonly shared = sharedViews(allocateMemory(1));
  readonly attempts: { readonly target: string; readonly attempt: Attempt; readonly detail: string }[] = [];
  readonly #front: Acceptor;
  readonly #targets: WorldTarget[] = [];
  readonly #opened = new DisposableStack();
  #sessions = 0;

  constructor() {
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

  [Symbol.dispose](): void {
    this.#opened.dispose();
  }

  #context(): SessionContext {
    const targets = this.#targets.map(({ target }) => target);
    const spec = { name: "app", slot: 0, algorithm: "first", targets, ...poolSettings } as const;
    return {
      thread: 0,
      generation: 7,
      engine: this.engine,
      listener: { name: "web" },
      pool: new Pool(spec, { shared: this.shared, random: () => 0 }),
      limits: [
        { slot: processSlot, max: 100, reason: "limit_process" },
        { slot: listenerSlot, max: 100, reason: "limit_listener" },
      ],
      permits: this.shared.permits,
      targetWords: this.shared.targets,
      retryAttempts: 3,
      connectTimeoutMs: 5_000,
      relayLimits: unlimited,
      onAttempt: ({ target, attempt, detail }) =>
        this.attempts.push({ target: target.name, attempt, detail }),
    };
  }

  #listen(host: string): Acceptor {
    return this.engine.listen({ kind: "tcp", host, port: 0 }, { shared: false, onError: () => {} });
  }
}
