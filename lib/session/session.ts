/** One connection, top to bottom: limits, a target (now, or after a wait), a connection to it, the relay, the record. */
import type {
  Connected,
  ConnectFailure,
  ConnectOptions,
  Relay,
  RelayEnd,
  RelayObserver,
  Socket,
} from "../relay/engine.ts";
import type { Picked } from "../pool/pool.ts";
import { preferredFirst, type Target } from "../pool/target.ts";
import type { SocketAddress } from "../values/address.ts";
import type { UnorderedSetMember } from "../values/unordered_set.ts";
import type { CutReason, Reason } from "../values/words.ts";
import type { Attempt, CloseRecord } from "./record.ts";
import type { SessionContext, TriedTarget } from "./context.ts";
import { pause, type Waited } from "./waiting.ts";

/** A target with a permit of it, the reason to refuse the client with, or what the session has to wait for. */
type SessionPick =
  | ({ readonly kind: "target" } & TriedTarget)
  | { readonly kind: "none"; readonly reason: Reason }
  | { readonly kind: "wait"; readonly until: "untried" | "not_full" | "eligible" };

/** A target that failed, and until when it is not asked again. */
interface FailedTarget {
  readonly slot: number;
  readonly restsUntil: number;
}

// What a session begins with: one array of each serves them all.
const noAttempts: readonly Attempt[] = [];
const nobodyTried: readonly FailedTarget[] = [];

const connectReasons: { readonly [failure in ConnectFailure]: Reason } = {
  refused: "connect_refused",
  timeout: "connect_timeout",
  unreachable: "connect_unreachable",
  resource: "resource",
  client_gone: "client_gone_connect",
};

/** A session from the moment its client was accepted. It owns the client's socket. */
export class Session implements UnorderedSetMember, RelayObserver {
  setIndex = -1;
  /** Settles once, when both sockets are closed and every permit is given back. Rejects only for a fault in the program. */
  readonly closed: Promise<Reason>;
  readonly #number: number;
  readonly #context: SessionContext;
  readonly #client: Socket;
  readonly #startedAt: number;
  /** When the attempt to connect, or the wait, under way began. */
  #attemptedAt: number;
  #attempts = noAttempts;
  #tried = nobodyTried;
  /** Of how many limits, from the first, a permit is held. */
  #permitsHeld = 0;
  /** The target of which a permit is held, too. */
  #target: TriedTarget | undefined;
  /** How long it has waited in line; null = not at all. */
  #queueMs: number | null = null;
  #hasFirstByte = false;
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

  /** When a byte moved last, on the engine's clock; before the relay, when the session began. */
  get lastByteAt(): number {
    return this.#relay?.lastByteAt ?? this.#startedAt;
  }

  /** Whether it is of one of these listeners or targets, also while it still connects to the target. */
  uses(slots: ReadonlySet<number>): boolean {
    if (this.#target !== undefined && slots.has(this.#target.target.slot)) return true;
    return this.#context.limits.some(({ slot }) => slots.has(slot));
  }

  /** Whether it was cut because everything ends. */
  get isCutByDrain(): boolean {
    return this.#reason === "drain_deadline" || this.#reason === "killed";
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
    const { engine, relayLimits, outcomes } = this.#context;
    const client = this.#client;
    try {
      for (;;) {
        let pick = this.#pick();
        while (pick.kind === "wait") {
          pick = pick.until === "untried"
            ? this.#rested(await this.#rest())
            : this.#waited(await this.#wait());
        }
        if (pick.kind === "none") return this.#refuse(this.#cutReason ?? pick.reason);
        const connected = await this.#connect(pick.target);
        if (connected.kind === "connected") this.#connected = connected.socket;
        const refusal = this.#recordAttempt(pick, connected);
        if (refusal !== undefined) return this.#refuse(refusal);
        if (connected.kind === "failed") continue;
        this.#relay = engine.relay(client, connected.socket, relayLimits, this);
        this.#connected = undefined;
        const end: RelayEnd | "cut" = await this.#relay.ended;
        const reason = end === "cut" ? this.#cutReason ?? "internal" : end;
        if (!this.#hasFirstByte) outcomes.endedUnserved(pick, reason);
        return this.#end(reason);
      }
    } finally {
      // The sockets are closed before the permits are free: a cap on sessions is a cap on descriptors.
      try {
        if (this.#reason === undefined) this.#faulted();
        client[Symbol.dispose]();
        // Still here where a fault came before the relay, which would own it.
        this.#connected?.[Symbol.dispose]();
      } finally {
        this.#releaseLimits();
      }
    }
  }

  /** A fault in the program has ended it: what was cut is not to look complete, and a trial shows nothing. */
  #faulted(): void {
    this.#client.reset();
    if (this.#target !== undefined) this.#context.outcomes.endedUnserved(this.#target, "internal");
  }

  /** Tries to take them for a moment longer, until the session is cut; `reason` is why there was none. */
  async #acquireLimitsAgain(reason: Reason): Promise<Reason | undefined> {
    let full: Reason | undefined = reason;
    await this.#context.permitGrace?.until(() =>
      this.#cutReason !== undefined || (full = this.#acquireLimits()) === undefined
    );
    return full;
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
    const { permits, limits, queue } = this.#context;
    if (this.#target !== undefined) permits.release(this.#target.target.slot);
    while (this.#permitsHeld > 0) permits.release(limits[--this.#permitsHeld]!.slot);
    if (this.#target !== undefined) queue.released();
  }

  /** Takes a permit of a target that does not rest; else why there is none, or what there is to wait for. */
  #pick(): SessionPick {
    const { queue } = this.#context;
    const { pool } = queue;
    if (this.#attempts.length >= pool.retry.attempts) return this.#none("no_target");
    if (this.#attempts.length === 0 && queue.isBusy) {
      // Whoever comes while others wait comes behind them.
      return this.#waitUntil(pool.hasEligible ? "not_full" : "eligible");
    }
    const picked = this.#take();
    if (picked.kind === "target") return picked;
    if (picked.reason === "tried") return this.#waitUntil("untried");
    return this.#waitUntil(picked.reason === "full" ? "not_full" : "eligible");
  }

  /** Takes a target that it has not tried, or where there is none to be had one that has rested. */
  #take(): Picked {
    const { queue: { pool }, engine } = this.#context;
    const client = this.#client;
    let picked = pool.take({ client, tried: this.#tried });
    if (picked.kind === "none" && this.#tried.length > 0) {
      const now = engine.now();
      const resting = this.#tried.filter(({ restsUntil }) => restsUntil > now);
      if (resting.length < this.#tried.length) picked = pool.take({ client, tried: resting });
    }
    if (picked.kind === "target") this.#target = picked;
    return picked;
  }

  /** The same in line: whoever stands behind it may go where it does not, and is not to wait for that. */
  #takeInTurn(): Picked {
    const picked = this.#take();
    return picked.kind === "none" && this.#tried.length > 0 ? { kind: "none", reason: "tried" } : picked;
  }

  #waitUntil(until: Extract<SessionPick, { kind: "wait" }>["until"]): SessionPick {
    if (until === "eligible" && this.#context.queue.pool.holdMs === 0) return this.#none("no_target");
    return { kind: "wait", until };
  }

  /** Where nobody is left to try, the last attempt's cause says more than "nobody is left". */
  #none(reason: Reason): SessionPick {
    return { kind: "none", reason: this.#attempts.at(-1)?.error ?? reason };
  }

  /** Waits until a target that it has tried may be asked again. */
  #rest(): Promise<"over" | "gone"> {
    const { engine, queue: { pool } } = this.#context;
    const now = engine.now();
    const rests = this.#tried.map(({ restsUntil }) => restsUntil - now).filter((ms) => ms > 0);
    return pause(engine, { client: this.#client, ms: Math.min(...rests, pool.retry.pauseMs) });
  }

  #rested(end: "over" | "gone"): SessionPick {
    this.#attemptedAt = this.#context.engine.now();
    return end === "gone" ? { kind: "none", reason: "client_gone_connect" } : this.#pick();
  }

  /** Waits in line. No function of its own may wait here: thousands may, and each would keep its variables. */
  #wait(): Promise<Waited> {
    const { engine, queue, queueTimeoutMs: queueMs } = this.#context;
    this.#attemptedAt = engine.now();
    return queue.wait({ client: this.#client, queueMs, ask: () => this.#takeInTurn() });
  }

  #waited(waited: Waited): SessionPick {
    const now = this.#context.engine.now();
    this.#queueMs = roundMs((this.#queueMs ?? 0) + now - this.#attemptedAt);
    this.#attemptedAt = now;
    switch (waited.kind) {
      case "target":
        return waited;
      case "gone":
        return { kind: "none", reason: "client_gone_queue" };
      case "full":
        return { kind: "none", reason: "queue_full" };
      case "over":
        return waited.reason === "no_target"
          ? this.#none("no_target")
          : { kind: "none", reason: waited.reason };
    }
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
  #recordAttempt(tried: TriedTarget, connected: Connected): Reason | undefined {
    const { target } = tried;
    const { outcomes, permits, queue } = this.#context;
    const now = this.#context.engine.now();
    const error = connected.kind === "connected" ? null : connectReasons[connected.failure];
    const detail = connected.kind === "connected" ? "" : connected.detail;
    const attempt = { target: target.name, error, ms: roundMs(now - this.#attemptedAt) };
    this.#attemptedAt = now;
    this.#attempts = [...this.#attempts, attempt];
    this.#context.onAttempt({ session: this, target, attempt, detail });
    if (connected.kind === "connected") {
      outcomes.connected(tried);
      this.#connectMs = roundMs(now - this.#startedAt);
      if (this.#cutReason === undefined) return undefined;
      connected.socket.reset();
      outcomes.endedUnserved(tried, this.#cutReason);
      return this.#cutReason;
    }
    outcomes.refused(tried, error!);
    this.#target = undefined;
    permits.release(target.slot);
    queue.released();
    const others = this.#tried.filter(({ slot }) => slot !== target.slot);
    this.#tried = [...others, { slot: target.slot, restsUntil: now + queue.pool.retry.pauseMs }];
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

  firstByte(): void {
    this.#hasFirstByte = true;
    if (this.#target !== undefined) this.#context.outcomes.served(this.#target);
  }

  /** The target that has served it. */
  get target(): Target | undefined {
    return this.#relay === undefined ? undefined : this.#target?.target;
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
    const { listener, queue: { pool }, generation } = this.#context;
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
        queue: this.#queueMs,
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
