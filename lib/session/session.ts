/** One connection, top to bottom: limits, a target, a connection to it, the relay, the record. */
import type {
  Connected,
  ConnectFailure,
  Engine,
  Relay,
  RelayEnd,
  RelayLimits,
  Socket,
} from "../relay/engine.ts";
import type { Pool } from "../pool/pool.ts";
import type { Target } from "../pool/target.ts";
import type { Attempt, CloseRecord, CutReason, Reason } from "./record.ts";

/** What every session of a listener needs of its thread and of the snapshot it begins in. */
export interface SessionContext {
  readonly generation: number;
  readonly engine: Engine;
  readonly listener: { readonly name: string };
  readonly pool: Pool;
  /** Each place the session has to take, in this order, and the reason it is refused with when there is none. */
  readonly limits: readonly PlaceLimit[];
  readonly places: Places;
  readonly retryAttempts: number;
  readonly connectTimeoutMs: number;
  readonly relayLimits: RelayLimits;
  /** Told of each attempt at once, failed or not: the record comes only when the session has ended. */
  readonly onAttempt: (told: AttemptTold) => void;
}

export interface AttemptTold {
  readonly session: string;
  readonly target: Target;
  readonly attempt: Attempt;
}

export interface PlaceLimit {
  readonly slot: number;
  readonly max: number;
  readonly reason: "limit_process" | "limit_listener";
}

/** Open sessions, counted for all threads together. */
export interface Places {
  /** Takes one of `max` places; false when there is none. */
  acquire(slot: number, max: number): boolean;
  release(slot: number): void;
}

const connectReasons: { readonly [failure in ConnectFailure]: Reason } = {
  refused: "connect_refused",
  timeout: "connect_timeout",
  unreachable: "connect_unreachable",
  resource: "resource",
  client_gone: "client_gone_connect",
};

type Reached =
  | { readonly kind: "reached"; readonly target: Target; readonly socket: Socket }
  | { readonly kind: "refused"; readonly reason: Reason };

/** A session from the moment its client was accepted. It owns the client's socket. */
export class Session {
  readonly id: string;
  /** Settles once, when both sockets are closed and every place is given back. Rejects only for a fault in the program. */
  readonly closed: Promise<CloseRecord>;
  readonly #context: SessionContext;
  readonly #client: Socket;
  readonly #startedAt = performance.now();
  readonly #attempts: Attempt[] = [];
  /** Of how many limits, from the first, a place is taken. */
  #taken = 0;
  /** The target on which a place is taken, too. */
  #target: Target | undefined;
  #connectMs: number | null = null;
  #relay: Relay | undefined;
  #cutReason: CutReason | undefined;

  /** `id` is unlike that of any other session of this process. */
  constructor(client: Socket, { id, context }: { readonly id: string; readonly context: SessionContext }) {
    this.id = id;
    this.#client = client;
    this.#context = context;
    this.closed = this.#run();
  }

  /** Ends the session now, wherever it is. */
  cut(reason: CutReason): void {
    if (this.#cutReason !== undefined) return;
    this.#cutReason = reason;
    if (this.#relay === undefined) this.#client.reset();
    else this.#relay.cut();
  }

  async #run(): Promise<CloseRecord> {
    const full = this.#takePlaces();
    if (full !== undefined) return this.#refuse(full);
    try {
      const reached = await this.#reach();
      if (reached.kind === "refused") return this.#refuse(reached.reason);
      this.#target = reached.target;
      if (this.#cutReason !== undefined) {
        reached.socket[Symbol.dispose]();
        return this.#refuse(this.#cutReason);
      }
      this.#relay = this.#context.engine.relay(this.#client, reached.socket, this.#context.relayLimits);
      const end: RelayEnd | "cut" = await this.#relay.ended;
      return this.#record(end === "cut" ? this.#cutReason ?? "internal" : end);
    } finally {
      // The sockets are closed before their places are free: a cap on sessions is a cap on descriptors.
      this.#client[Symbol.dispose]();
      this.#givePlacesBack();
    }
  }

  /** Takes a place under each limit; the reason when one has none left, and then none is taken. */
  #takePlaces(): Reason | undefined {
    const { places, limits } = this.#context;
    for (const { slot, max, reason } of limits) {
      if (!places.acquire(slot, max)) {
        this.#givePlacesBack();
        return reason;
      }
      this.#taken++;
    }
    return undefined;
  }

  #givePlacesBack(): void {
    const { places, limits } = this.#context;
    if (this.#target !== undefined) places.release(this.#target.slot);
    while (this.#taken > 0) places.release(limits[--this.#taken]!.slot);
  }

  /** Finds a target that takes the connection: another one after each failure, each at most once. */
  async #reach(): Promise<Reached> {
    const { pool, places, retryAttempts } = this.#context;
    const tried: Target[] = [];
    let failure: Reason | undefined;
    while (tried.length < retryAttempts) {
      const pick = pool.take({ client: this.#client.remoteHost, tried });
      if (pick.kind === "none") {
        // Where nobody is left to try, the last attempt's cause says more than "nobody is left".
        return { kind: "refused", reason: failure ?? (pick.reason === "full" ? "queue_full" : "no_target") };
      }
      const { target } = pick;
      const startedAt = performance.now();
      const connected = await this.#context.engine.connect(target.socketAddress, {
        timeoutMs: this.#context.connectTimeoutMs,
        client: this.#client,
      });
      this.#note(target, connected, startedAt);
      if (connected.kind === "connected") return { kind: "reached", target, socket: connected.socket };
      places.release(target.slot);
      if (this.#cutReason !== undefined) return { kind: "refused", reason: this.#cutReason };
      if (connected.failure === "client_gone") return { kind: "refused", reason: "client_gone_connect" };
      failure = connectReasons[connected.failure];
      tried.push(target);
    }
    return { kind: "refused", reason: failure ?? "no_target" };
  }

  #note(target: Target, connected: Connected, startedAt: number): void {
    const now = performance.now();
    const error = connected.kind === "connected" ? null : connectReasons[connected.failure];
    const attempt = { target: target.address, error, ms: roundMs(now - startedAt) };
    this.#attempts.push(attempt);
    if (error === null) this.#connectMs = roundMs(now - this.#startedAt);
    this.#context.onAttempt({ session: this.id, target, attempt });
  }

  /** Nothing was relayed: the client sees at once that it is not served. */
  #refuse(reason: Reason): CloseRecord {
    this.#client.reset();
    return this.#record(reason);
  }

  #record(reason: Reason): CloseRecord {
    const { listener, pool, generation } = this.#context;
    const relay = this.#relay;
    const firstByteAt = relay?.firstByteAt;
    return {
      time: Date.now(),
      reason,
      id: this.id,
      listener: listener.name,
      pool: pool.name,
      target: this.#target?.address ?? null,
      client: this.#client.remote,
      attempts: this.#attempts,
      bytes: { received: relay?.receivedBytes ?? 0, sent: relay?.sentBytes ?? 0 },
      ms: {
        queue: null,
        connect: this.#connectMs,
        firstByte: firstByteAt === undefined ? null : roundMs(firstByteAt - this.#startedAt),
        total: roundMs(performance.now() - this.#startedAt),
      },
      generation,
    };
  }
}

function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
