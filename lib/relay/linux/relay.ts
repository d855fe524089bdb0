/** The relay of the linux engine: two directions that move whenever a socket is ready. */
import { type Activity, expired, sweepMs } from "../deadlines.ts";
import { outcomeOf } from "../ending.ts";
import { lingerMs, type Relay, type RelayEnd, type RelayLimits } from "../engine.ts";
import { LinuxDirection, type Shared } from "./direction.ts";
import type { Reactor } from "./reactor.ts";
import type { LinuxSocket } from "./socket.ts";

/** A direction without a byte for so long gives its pipe back. */
const quietMs = 1_000;

/** How often a socket is asked whether what was sent before an RST has been acknowledged. */
const lookMs = 5;

export interface LinuxRelayOptions {
  readonly reactor: Reactor;
  readonly shared: Shared;
  readonly limits: RelayLimits;
}

/** See `Engine.relay`. */
export class LinuxRelay implements Relay {
  readonly ended: Promise<RelayEnd | "cut">;
  readonly #client: LinuxSocket;
  readonly #target: LinuxSocket;
  readonly #reactor: Reactor;
  readonly #limits: RelayLimits;
  readonly #up: LinuxDirection;
  readonly #down: LinuxDirection;
  readonly #startedAt: number;
  readonly #settle: (end: RelayEnd | "cut") => void;
  #halfClosedAt = Infinity;
  #cancelSweep: () => void;
  #cancelLinger: (() => void) | undefined;
  #queued = false;
  #over = false;

  constructor(client: LinuxSocket, target: LinuxSocket, { reactor, shared, limits }: LinuxRelayOptions) {
    this.#client = client;
    this.#target = target;
    this.#reactor = reactor;
    this.#limits = limits;
    this.#startedAt = reactor.now();
    const clientCut = () => this.#down.sinkFailed === "reset";
    const targetCut = () => this.#up.sinkFailed === "reset";
    this.#up = new LinuxDirection(client, target, { shared, sourceWasCut: clientCut });
    this.#down = new LinuxDirection(target, client, { shared, sourceWasCut: targetCut });
    const { promise, resolve } = Promise.withResolvers<RelayEnd | "cut">();
    this.ended = promise;
    this.#settle = resolve;
    this.#cancelSweep = this.#sweepLater();
    client.onReady = target.onReady = () => this.#move();
    this.#move();
  }

  get receivedBytes(): number {
    return this.#up.receivedBytes;
  }

  get sentBytes(): number {
    return this.#down.sentBytes;
  }

  get firstByteAt(): number | undefined {
    return this.#down.firstByteAt;
  }

  cut(): void {
    this.#end("cut");
  }

  #move(): void {
    if (this.#over) return;
    // A socket that somebody closed under us is a cut session.
    if (this.#client.closed || this.#target.closed) return this.#end("cut");
    const more = [this.#up.move(), this.#down.move()].includes(true);
    this.#turn();
    if (!more || this.#over || this.#queued) return;
    this.#queued = true;
    this.#reactor.again(() => {
      this.#queued = false;
      this.#move();
    });
  }

  #turn(): void {
    const [up, down] = [this.#up, this.#down];
    if (up.ended || down.ended) this.#halfClosedAt = Math.min(this.#halfClosedAt, this.#reactor.now());
    const outcome = outcomeOf(up, down);
    if (outcome.kind === "end") this.#endAfterLast(outcome.end);
    else if (outcome.kind === "targetCut") this.#endAfterLast("server_reset");
    else if (outcome.kind === "targetGone") this.#hearClientOut();
    else if (outcome.kind === "clientGone") {
      this.#cancelLinger ??= this.#reactor.after(lingerMs, () => this.#end("client_reset"));
    }
  }

  /**
   * The target has finished and takes no more. What the client is owed is on its way, and closing on unread input would
   * destroy it: reads on until the client has everything, has been quiet for a while, or has gone on for too long.
   */
  #hearClientOut(): void {
    if (this.#cancelLinger !== undefined) return;
    const endAt = this.#reactor.now() + this.#limits.halfClosedMs;
    let seenBytes = -1;
    const look = () => {
      if (this.#over) return;
      const seen = this.#up.receivedBytes;
      if (seen === seenBytes) return this.#end("done");
      if (this.#reactor.now() >= endAt) return this.#end("half_closed");
      seenBytes = seen;
      this.#cancelLinger = this.#reactor.after(Math.min(lingerMs, this.#limits.halfClosedMs), look);
    };
    look();
  }

  /**
   * Ends at once when the end is a FIN, or nothing is on its way to the peer that was not cut. Else first lets it
   * arrive, two seconds at most: an RST would take it back.
   */
  #endAfterLast(end: RelayEnd): void {
    const [peer, way] = end === "client_reset" ? [this.#target, this.#up] : [this.#client, this.#down];
    // Of a connection that is gone the kernel goes on to tell what was never acknowledged.
    const arrived = () => peer.cut || way.sinkFailed !== undefined || peer.unsentBytes() === 0;
    if (end === "done" || arrived()) return this.#end(end);
    if (this.#cancelLinger !== undefined) return;
    const endAt = this.#reactor.now() + lingerMs;
    const look = () => {
      if (this.#over) return;
      if (arrived() || this.#reactor.now() >= endAt) return this.#end(end);
      this.#cancelLinger = this.#reactor.after(lookMs, look);
    };
    this.#cancelLinger = this.#reactor.after(lookMs, look);
  }

  #sweepLater(): () => void {
    return this.#reactor.after(sweepMs(this.#limits), () => this.#sweep());
  }

  #sweep(): void {
    if (this.#over) return;
    const now = this.#reactor.now();
    const end = expired(this.#activity(), this.#limits, now);
    if (end !== undefined) return this.#end(end);
    for (const direction of [this.#up, this.#down]) {
      if (now - direction.lastByteAt > quietMs) direction.leaveBulk();
    }
    this.#cancelSweep = this.#sweepLater();
  }

  #activity(): Activity {
    return {
      startedAt: this.#startedAt,
      lastByteAt: Math.max(this.#up.lastByteAt, this.#down.lastByteAt),
      halfClosedAt: this.#halfClosedAt,
      waitingSince: Math.min(this.#up.waitingSince, this.#down.waitingSince),
    };
  }

  #end(end: RelayEnd | "cut"): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelSweep();
    this.#cancelLinger?.();
    this.#up.close();
    this.#down.close();
    for (const socket of [this.#client, this.#target]) {
      socket.onReady = undefined;
      if (end === "done") socket[Symbol.dispose]();
      else socket.reset();
    }
    this.#reactor.stirred = true;
    this.#settle(end);
  }
}
