/** The relay of the linux engine: two directions that move whenever a socket is ready. */
import { type Activity, expired, needsKeepAlive, sweepMs } from "../limits.ts";
import { outcomeOf } from "../ending.ts";
import { lingerMs, type Relay, type RelayEnd, type RelayLimits, type RelayObserver } from "../engine.ts";
import { LinuxDirection, type ThreadResources } from "./direction.ts";
import type { Reactor, Task } from "./reactor.ts";
import type { LinuxSocket } from "./socket.ts";
import type { Timer } from "./timers.ts";

/** A direction without a byte for so long gives its pipe back. */
const quietMs = 1_000;

/** How often the kernel is asked whether what was sent before an RST has been acknowledged. */
const ackPollMs = 5;

export interface LinuxRelayOptions {
  readonly resources: ThreadResources;
  readonly limits: RelayLimits;
  readonly observer: RelayObserver | undefined;
}

/** See `Engine.relay`. As a timer it checks its limits, as a task it moves bytes. */
export class LinuxRelay implements Relay, Task, Timer {
  readonly ended: Promise<RelayEnd | "cut">;
  queued = false;
  dueAt = 0;
  heapIndex = -1;
  readonly #client: LinuxSocket;
  readonly #target: LinuxSocket;
  readonly #reactor: Reactor;
  readonly #limits: RelayLimits;
  readonly #up: LinuxDirection;
  readonly #down: LinuxDirection;
  readonly #startedAt: number;
  readonly #settle: (end: RelayEnd | "cut") => void;
  /** Who waits for the first byte; undefined once it has come. */
  #observer: RelayObserver | undefined;
  #halfClosedAt = Infinity;
  #cancelLinger: (() => void) | undefined;
  #keepsAlive = false;
  #hasEnded = false;

  constructor(client: LinuxSocket, target: LinuxSocket, { resources, limits, observer }: LinuxRelayOptions) {
    const { reactor } = resources;
    this.#client = client;
    this.#target = target;
    this.#reactor = reactor;
    this.#limits = limits;
    this.#observer = observer;
    this.#startedAt = reactor.nowMs;
    this.#up = new LinuxDirection(client, target, resources);
    this.#down = new LinuxDirection(target, client, resources);
    let settle!: (end: RelayEnd | "cut") => void;
    this.ended = new Promise((resolve) => settle = resolve);
    this.#settle = settle;
    reactor.schedule(this, sweepMs(limits));
    client.owner = target.owner = this;
    reactor.runNow(this);
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

  get lastByteAt(): number {
    return Math.max(this.#up.lastByteAt, this.#down.lastByteAt, this.#startedAt);
  }

  cut(): void {
    try {
      this.#end("cut");
    } catch (error) {
      this.fail(error);
    }
  }

  /** A fault in the program: ends the relay as one that was cut, each step whatever becomes of the others, and reports it. */
  fail(error: unknown): void {
    this.#hasEnded = true;
    const faults = [error];
    const steps = [
      () => this.#reactor.cancel(this),
      () => this.#cancelLinger?.(),
      () => this.#up.close(),
      () => this.#down.close(),
      () => this.#close(this.#client, "cut"),
      () => this.#close(this.#target, "cut"),
    ];
    for (const step of steps) {
      try {
        step();
      } catch (another) {
        faults.push(another);
      }
    }
    this.#reactor.microtasksPending = true;
    this.#settle("cut");
    for (const each of faults) this.#reactor.onFault(each);
  }

  run(): void {
    if (this.#hasEnded) return;
    // A socket that was closed from above is a cut session.
    if (this.#client.closed || this.#target.closed) return this.#end("cut");
    const up = this.#up;
    const down = this.#down;
    const upHasMore = up.pump();
    if (down.pump() || upHasMore) this.#reactor.enqueue(this);
    if (this.#observer !== undefined && down.firstByteAt !== undefined) {
      const observer = this.#observer;
      this.#observer = undefined;
      observer.firstByte();
    }
    if (up.sourceEnd === undefined && down.sourceEnd === undefined) return;
    // Where both have finished, closing says so to both.
    if (up.isComplete && down.isComplete) return this.#end("done");
    if (up.isDrained || down.isDrained) {
      this.#halfClosedAt = Math.min(this.#halfClosedAt, this.#reactor.nowMs);
    }
    up.finish(down.sinkFailed === "reset");
    down.finish(up.sinkFailed === "reset");
    this.#applyOutcome();
  }

  fire(): void {
    const end = expired(this.#activity(), this.#limits, this.#reactor.nowMs);
    if (end !== undefined) return this.#end(end);
    const quietSince = this.#reactor.nowMs - quietMs;
    if (this.#up.lastByteAt < quietSince) this.#up.stopSplicing();
    if (this.#down.lastByteAt < quietSince) this.#down.stopSplicing();
    if (!this.#keepsAlive && needsKeepAlive(this.#startedAt, this.#limits, this.#reactor.nowMs)) {
      this.#keepsAlive = true;
      this.#client.keepAlive(this.#limits.keepAliveMs);
      this.#target.keepAlive(this.#limits.keepAliveMs);
    }
    this.#reactor.schedule(this, sweepMs(this.#limits));
  }

  #applyOutcome(): void {
    const up = this.#up;
    const down = this.#down;
    const outcome = outcomeOf(up, down);
    if (outcome.kind === "end") this.#endOnceDelivered(outcome.end);
    else if (outcome.kind === "targetCut") this.#endOnceDelivered("server_reset");
    else if (outcome.kind === "targetGone") this.#lingerForClient();
    else if (outcome.kind === "clientGone") {
      this.#cancelLinger ??= this.#reactor.after(lingerMs, () => this.#end("client_reset"));
    }
  }

  /**
   * The target has finished and takes no more. What was written to the client is on its way, and closing on unread input would
   * destroy it: reads on until the client has everything, has been quiet for a while, or has gone on for too long.
   */
  #lingerForClient(): void {
    if (this.#cancelLinger !== undefined) return;
    const endAt = this.#reactor.nowMs + this.#limits.halfClosedMs;
    let seenBytes = -1;
    const poll = () => {
      if (this.#hasEnded) return;
      const seen = this.#up.receivedBytes;
      if (seen === seenBytes) return this.#end("done");
      if (this.#reactor.nowMs >= endAt) return this.#end("half_closed");
      seenBytes = seen;
      this.#cancelLinger = this.#reactor.after(Math.min(lingerMs, this.#limits.halfClosedMs), poll, this);
    };
    poll();
  }

  /**
   * Ends at once when the end is a FIN, or nothing is on its way to the peer that was not cut. Else first lets it
   * arrive, two seconds at most once the kernel has all of it: an RST would take it back.
   */
  #endOnceDelivered(end: RelayEnd): void {
    if (end === "done") return this.#end(end);
    const toTarget = end === "client_reset";
    const peer = toTarget ? this.#target : this.#client;
    const way = toTarget ? this.#up : this.#down;
    // For a connection that is gone the kernel still gives the bytes that were never acknowledged.
    const isDelivered = () =>
      peer.failed || way.sinkFailed !== undefined || (way.isFlushed && peer.unacknowledgedBytes() === 0);
    if (isDelivered()) return this.#end(end);
    // Until the kernel has all of it, this is asked again whenever the peer takes some; the stall limit bounds it.
    if (this.#cancelLinger !== undefined || !way.isFlushed) return;
    const endAt = this.#reactor.nowMs + lingerMs;
    const poll = () => {
      if (this.#hasEnded) return;
      if (isDelivered() || this.#reactor.nowMs >= endAt) return this.#end(end);
      this.#cancelLinger = this.#reactor.after(ackPollMs, poll, this);
    };
    this.#cancelLinger = this.#reactor.after(ackPollMs, poll, this);
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
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#reactor.cancel(this);
    this.#cancelLinger?.();
    this.#up.close();
    this.#down.close();
    this.#close(this.#client, end);
    this.#close(this.#target, end);
    this.#reactor.microtasksPending = true;
    this.#settle(end);
  }

  #close(socket: LinuxSocket, end: RelayEnd | "cut"): void {
    socket.owner = undefined;
    if (end === "done") socket[Symbol.dispose]();
    else socket.reset();
  }
}
