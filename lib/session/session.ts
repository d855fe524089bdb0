/** One connection, top to bottom: limits, a target, a connection to it, the relay, the record. */
import type {
  Connected,
  ConnectFailure,
  ConnectOptions,
  Engine,
  Relay,
  RelayEnd,
  RelayLimits,
  Socket,
} from "../relay/engine.ts";
import type { Picked, Pool } from "../pool/pool.ts";
import { preferredFirst, type Target } from "../pool/target.ts";
import type { Permits } from "../shared/permits.ts";
import type { TargetWords } from "../shared/target_words.ts";
import type { SocketAddress } from "../values/address.ts";
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
  /** Each permit the session has to take, in this order, and the reason it is refused with when there is none. */
  readonly limits: readonly PermitLimit[];
  readonly permits: Pick<Permits, "acquire" | "release">;
  readonly targetWords: Pick<TargetWords, "lastAddress" | "setLastAddress">;
  /** Waits a moment where a limit is used up, for another thread may be about to give a permit back; undefined = there is none. */
  readonly permitGrace?: { until(ask: () => boolean): Promise<void> } | undefined;
  readonly retryAttempts: number;
  readonly connectTimeoutMs: number;
  readonly relayLimits: RelayLimits;
  /** Called for each attempt at once, failed or not: the record comes only when the session has ended. */
  readonly onAttempt: (event: AttemptEvent) => void;
}

export interface AttemptEvent {
  readonly session: Session;
  readonly target: Target;
  readonly attempt: Attempt;
  /** Why it failed, in words; empty where it did not. */
  readonly detail: string;
}

export interface PermitLimit {
  readonly slot: number;
  readonly max: number;
  readonly reason: "limit_process" | "limit_listener";
}

/** A target with a permit of it, or the reason to refuse the client with. */
type SessionPick =
  | { readonly kind: "target"; readonly target: Target }
  | { readonly kind: "none"; readonly reason: Reason };

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
  /** Settles once, when both sockets are closed and every permit is given back. Rejects only for a fault in the program. */
  readonly closed: Promise<Reason>;
  readonly #number: number;
  readonly #context: SessionContext;
  readonly #client: Socket;
  readonly #startedAt: number;
  /** When the attempt to connect under way began. */
  #attemptedAt: number;
  #attempts: readonly Attempt[] = [];
  #tried: readonly Target[] = [];
  /** Of how many limits, from the first, a permit is held. */
  #permitsHeld = 0;
  /** The target of which a permit is held, too. */
  #target: Target | undefined;
  #connectMs: number | null = null;
  /** The target's socket until the relay owns it. */
  #connected: Socket | undefined;
  #relay: Relay | undefined;
  #cutReason: CutReason | undefined;
  #reason: Reason | undefined;
  #endedAt = 0;

  /** `number` is unlike that of any other session of this thread, before and after a restart of it. */
  constructor(
    client: Socket,
    { number, context }: { readonly number: number; readonly context: SessionContext },
  ) {
    this.#number = number;
    this.#client = client;
    this.#context = context;
    this.#startedAt = this.#attemptedAt = context.engine.now();
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

  /** To be called where `closed` has rejected, for the record of a session that a fault in the program has ended. */
  failed(): Reason {
    return this.#end("internal");
  }

  async #run(): Promise<Reason> {
    let full = this.#acquireLimits();
    if (full !== undefined) full = await this.#acquireLimitsAgain(full);
    if (full !== undefined) return this.#refuse(this.#cutReason ?? full);
    const { engine, relayLimits } = this.#context;
    const client = this.#client;
    try {
      for (;;) {
        let pick = this.#pick();
        if (isFull(pick)) pick = await this.#pickAgain(pick);
        if (pick.kind === "none") return this.#refuse(this.#cutReason ?? pick.reason);
        const connected = await this.#connect(pick.target);
        if (connected.kind === "connected") this.#connected = connected.socket;
        const refusal = this.#recordAttempt(pick.target, connected);
        if (refusal !== undefined) return this.#refuse(refusal);
        if (connected.kind === "failed") continue;
        this.#relay = engine.relay(client, connected.socket, relayLimits);
        this.#connected = undefined;
        const end: RelayEnd | "cut" = await this.#relay.ended;
        return this.#end(end === "cut" ? this.#cutReason ?? "internal" : end);
      }
    } finally {
      // The sockets are closed before the permits are free: a cap on sessions is a cap on descriptors.
      try {
        // A fault in the program: what was cut is not to look complete.
        if (this.#reason === undefined) client.reset();
        client[Symbol.dispose]();
        // Still here where a fault came before the relay, which would own it.
        this.#connected?.[Symbol.dispose]();
      } finally {
        this.#releaseLimits();
      }
    }
  }

  /** Tries to take them for a moment longer, until the session is cut; `reason` is why there was none. */
  async #acquireLimitsAgain(reason: Reason): Promise<Reason | undefined> {
    let full: Reason | undefined = reason;
    await this.#askAgain(() => (full = this.#acquireLimits()) === undefined);
    return full;
  }

  /** Tries to take it for a moment longer, until the session is cut; `full` is the answer so far. */
  async #pickAgain(full: SessionPick): Promise<SessionPick> {
    let pick = full;
    await this.#askAgain(() => !isFull(pick = this.#pick()));
    return pick;
  }

  async #askAgain(ask: () => boolean): Promise<void> {
    await this.#context.permitGrace?.until(() => this.#cutReason !== undefined || ask());
  }

  /** Takes a permit under each limit; the reason when one has none left, and then none is held. */
  #acquireLimits(): Reason | undefined {
    const { permits, limits } = this.#context;
    for (const { slot, max, reason } of limits) {
      if (!permits.acquire(slot, max)) {
        this.#releaseLimits();
        return reason;
      }
      this.#permitsHeld++;
    }
    return undefined;
  }

  #releaseLimits(): void {
    const { permits, limits } = this.#context;
    if (this.#target !== undefined) permits.release(this.#target.slot);
    while (this.#permitsHeld > 0) permits.release(limits[--this.#permitsHeld]!.slot);
  }

  /** Takes a permit of a target that was not tried yet; the reason to refuse the client when there is none to try. */
  #pick(): SessionPick {
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

  /** Tries the target's addresses within one time limit, first the one that a connection was made to last. */
  #connect({ addresses, slot }: Target): Promise<Connected> {
    const { engine, connectTimeoutMs } = this.#context;
    const options = { client: this.#client, timeoutMs: connectTimeoutMs };
    return addresses.length === 1
      ? engine.connect(addresses, options)
      : this.#connectToOneOf(addresses, { slot, options });
  }

  async #connectToOneOf(
    addresses: readonly SocketAddress[],
    { slot, options }: { readonly slot: number; readonly options: ConnectOptions },
  ): Promise<Connected> {
    const { engine, targetWords } = this.#context;
    const inOrder = preferredFirst(addresses, targetWords.lastAddress(slot));
    const connected = await engine.connect(inOrder, options);
    if (connected.kind === "connected") {
      targetWords.setLastAddress(slot, addresses.indexOf(inOrder[connected.index]!));
    }
    return connected;
  }

  /** Records an attempt; returns the reason to refuse the client with when it is not to be served after all. */
  #recordAttempt(target: Target, connected: Connected): Reason | undefined {
    const now = this.#context.engine.now();
    const error = connected.kind === "connected" ? null : connectReasons[connected.failure];
    const detail = connected.kind === "connected" ? "" : connected.detail;
    const attempt = { target: target.name, error, ms: roundMs(now - this.#attemptedAt) };
    this.#attemptedAt = now;
    this.#attempts = [...this.#attempts, attempt];
    this.#context.onAttempt({ session: this, target, attempt, detail });
    if (connected.kind === "connected") {
      this.#connectMs = roundMs(now - this.#startedAt);
      if (this.#cutReason !== undefined) connected.socket.reset();
      return this.#cutReason;
    }
    this.#target = undefined;
    this.#context.permits.release(target.slot);
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

  /** The one record of the session, once it is closed; throws before. */
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
      target: this.target?.name ?? null,
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

function isFull(pick: SessionPick): boolean {
  return pick.kind === "none" && pick.reason === "queue_full";
}
