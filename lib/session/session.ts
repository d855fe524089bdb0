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
import type { Picked, Pool } from "../pool/pool.ts";
import type { Target } from "../pool/target.ts";
import type { UnorderedSetMember } from "../values/unordered_set.ts";
import type { CutReason, Reason } from "../values/words.ts";
import type { Attempt, CloseRecord } from "./record.ts";

/** What every session of a listener needs of its thread and of the snapshot it begins in. */
export interface SessionContext {
  /** The number of the thread, for the names of its sessions. */
  readonly thread: number;
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
  readonly session: Session;
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

/** A session from the moment its client was accepted. It owns the client's socket. */
export class Session implements UnorderedSetMember {
  setIndex = -1;
  /** Settles once, when both sockets are closed and every place is given back. Rejects only for a fault in the program. */
  readonly closed: Promise<Reason>;
  readonly #number: number;
  readonly #context: SessionContext;
  readonly #client: Socket;
  readonly #startedAt: number;
  /** Since when the attempt to connect under way has been. */
  #triedAt: number;
  #attempts: readonly Attempt[] = [];
  #tried: readonly Target[] = [];
  /** Of how many limits, from the first, a place is taken. */
  #placesTaken = 0;
  /** The target on which a place is taken, too. */
  #target: Target | undefined;
  #connectMs: number | null = null;
  #relay: Relay | undefined;
  #cutReason: CutReason | undefined;
  #reason: Reason | undefined;
  #endedAt = 0;

  /** `number` is unlike that of any other session of this thread. */
  constructor(
    client: Socket,
    { number, context }: { readonly number: number; readonly context: SessionContext },
  ) {
    this.#number = number;
    this.#client = client;
    this.#context = context;
    this.#startedAt = this.#triedAt = context.engine.now();
    this.closed = this.#run();
  }

  /** Unlike that of any other session of this process. Written out when asked for: most sessions are never named. */
  get id(): string {
    return `${this.#context.thread}.${this.#number}`;
  }

  /** Ends the session now, wherever it is. */
  cut(reason: CutReason): void {
    if (this.#cutReason !== undefined) return;
    this.#cutReason = reason;
    if (this.#relay === undefined) this.#client.reset();
    else this.#relay.cut();
  }

  async #run(): Promise<Reason> {
    const full = this.#takePlaces();
    if (full !== undefined) return this.#refuse(full);
    const { engine, connectTimeoutMs, relayLimits } = this.#context;
    const client = this.#client;
    try {
      for (;;) {
        const pick = this.#pick();
        if (pick.kind === "none") return this.#refuse(pick.reason);
        const { target } = pick;
        const connected = await engine.connect([target.socketAddress], {
          client,
          timeoutMs: connectTimeoutMs,
        });
        const refusal = this.#note(target, connected);
        if (refusal !== undefined) return this.#refuse(refusal);
        if (connected.kind === "failed") continue;
        this.#relay = engine.relay(client, connected.socket, relayLimits);
        const end: RelayEnd | "cut" = await this.#relay.ended;
        return this.#end(end === "cut" ? this.#cutReason ?? "internal" : end);
      }
    } finally {
      // The sockets are closed before their places are free: a cap on sessions is a cap on descriptors.
      client[Symbol.dispose]();
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
      this.#placesTaken++;
    }
    return undefined;
  }

  #givePlacesBack(): void {
    const { places, limits } = this.#context;
    if (this.#target !== undefined) places.release(this.#target.slot);
    while (this.#placesTaken > 0) places.release(limits[--this.#placesTaken]!.slot);
  }

  /** Takes a place on a target that was not tried yet; the reason to refuse the client when there is none to try. */
  #pick(): { readonly kind: "target"; readonly target: Target } | {
    readonly kind: "none";
    readonly reason: Reason;
  } {
    const { pool, retryAttempts } = this.#context;
    const pick: Picked = this.#tried.length < retryAttempts
      ? pool.take({ client: this.#client, tried: this.#tried })
      : { kind: "none", reason: "no_target" };
    if (pick.kind === "target") {
      this.#target = pick.target;
      return pick;
    }
    // Where nobody is left to try, the last attempt's cause says more than "nobody is left".
    const last = this.#attempts.at(-1)?.error;
    return { kind: "none", reason: last ?? (pick.reason === "full" ? "queue_full" : "no_target") };
  }

  /** Notes an attempt; returns the reason to refuse the client with when it is not to be served after all. */
  #note(target: Target, connected: Connected): Reason | undefined {
    const now = this.#context.engine.now();
    const error = connected.kind === "connected" ? null : connectReasons[connected.failure];
    const attempt = { target: target.address, error, ms: roundMs(now - this.#triedAt) };
    this.#triedAt = now;
    this.#attempts = [...this.#attempts, attempt];
    this.#context.onAttempt({ session: this, target, attempt });
    if (error === null) {
      this.#connectMs = roundMs(now - this.#startedAt);
      if (this.#cutReason !== undefined && connected.kind === "connected") connected.socket.reset();
      return this.#cutReason;
    }
    this.#target = undefined;
    this.#context.places.release(target.slot);
    this.#tried = [...this.#tried, target];
    return this.#cutReason ?? (error === "client_gone_connect" ? error : undefined);
  }

  /** Nothing was relayed: the client sees at once that it is not served. */
  #refuse(reason: Reason): Reason {
    this.#client.reset();
    return this.#end(reason);
  }

  #end(reason: Reason): Reason {
    this.#endedAt = this.#context.engine.now();
    return this.#reason = reason;
  }

  /** The target that has served it. */
  get target(): Target | undefined {
    return this.#relay === undefined ? undefined : this.#target;
  }

  /** Bytes received from the client. */
  get receivedBytes(): number {
    return this.#relay?.receivedBytes ?? 0;
  }

  /** Bytes sent to the client. */
  get sentBytes(): number {
    return this.#relay?.sentBytes ?? 0;
  }

  /** What is told of it, once it is closed. */
  record(): CloseRecord {
    const reason = this.#reason;
    if (reason === undefined) throw new Error(`session ${this.id} is open`);
    const { listener, pool, generation } = this.#context;
    const firstByteAt = this.#relay?.firstByteAt;
    return {
      time: Date.now(),
      reason,
      id: this.id,
      listener: listener.name,
      pool: pool.name,
      target: this.target?.address ?? null,
      client: this.#client.remote,
      attempts: this.#attempts,
      bytes: { received: this.receivedBytes, sent: this.sentBytes },
      ms: {
        queue: null,
        connect: this.#connectMs,
        firstByte: firstByteAt === undefined ? null : roundMs(firstByteAt - this.#startedAt),
        total: roundMs(this.#endedAt - this.#startedAt),
      },
      generation,
    };
  }
}

function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
