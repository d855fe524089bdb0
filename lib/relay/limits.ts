/** The time limits of a relay: a pure rule, and one timer for each engine that applies it to every relay. */
import { UnorderedSet, type UnorderedSetMember } from "../values/unordered_set.ts";
import type { RelayEnd, RelayLimits } from "./engine.ts";

/** What the rule is about; times on the clock of `performance.now()`, Infinity where it has not happened. */
export interface Activity {
  readonly startedAt: number;
  readonly lastByteAt: number;
  /** When the first of the two directions ended. */
  readonly halfClosedAt: number;
  /** Since when the oldest unsent bytes have waited without one of them being taken. */
  readonly waitingSince: number;
}

/** The limit that `now` is past, if any; where several are, the one that says most about the cause. */
export function expired(activity: Activity, limits: RelayLimits, now: number): RelayEnd | undefined {
  if (now - activity.startedAt >= limits.lifetimeMs) return "lifetime";
  if (now - activity.waitingSince >= limits.stallMs) return "stalled";
  const quietMs = now - Math.max(activity.lastByteAt, activity.startedAt);
  const halfClosedMs = now - activity.halfClosedAt;
  if (Math.min(quietMs, halfClosedMs) >= limits.halfClosedMs) return "half_closed";
  if (quietMs >= limits.idleMs) return "idle";
  return undefined;
}

/** How often to check, in milliseconds: a limit is met within 5 % of itself, and never later than a second. */
export function sweepMs(limits: RelayLimits): number {
  const shortestMs = Math.min(limits.idleMs, limits.halfClosedMs, limits.stallMs, limits.lifetimeMs);
  return Math.min(1_000, Math.max(5, shortestMs / 20));
}

/** How long a session has to have been relaying, in milliseconds, before keep-alive is worth its system calls. */
const keepAliveFromMs = 1_000;

/** Whether a relay that began at `startedAt` is one for which keep-alive is to be set. */
export function needsKeepAlive(startedAt: number, { keepAliveMs }: RelayLimits, now: number): boolean {
  return keepAliveMs !== Infinity && now - startedAt >= keepAliveFromMs;
}

/** A relay as the sweep sees it. */
export interface Expirable extends UnorderedSetMember {
  readonly limits: RelayLimits;
  readonly activity: Activity;
  /** Whether `keepAlive` was called. */
  readonly keepsAlive: boolean;
  expire(end: RelayEnd): void;
  /** A fault in the program was met on its behalf: ends it, and has it reported. Must not throw. */
  fail(error: unknown): void;
  /** Has both connections checked for a peer that has vanished. */
  keepAlive(): void;
}

/**
 * Checks every relay of a thread from one timer. A timer for each session, set again at each byte, costs more than
 * the bytes do; a sweep over 10,000 relays takes well under a millisecond. The timer exists only while a relay does.
 */
export class LimitSweeper {
  readonly #relays = new UnorderedSet<Expirable>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #everyMs = Infinity;

  add(relay: Expirable): void {
    this.#relays.add(relay);
    const everyMs = sweepMs(relay.limits);
    if (everyMs < this.#everyMs) {
      clearInterval(this.#timer);
      this.#everyMs = everyMs;
      this.#timer = setInterval(() => this.#sweep(performance.now()), everyMs);
    }
  }

  delete(relay: Expirable): void {
    this.#relays.delete(relay);
    if (this.#relays.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#everyMs = Infinity;
  }

  #sweep(now: number): void {
    for (const relay of this.#relays.members()) {
      try {
        check(relay, now);
      } catch (error) {
        relay.fail(error);
      }
    }
  }
}

function check(relay: Expirable, now: number): void {
  const { activity, limits, keepsAlive } = relay;
  const end = expired(activity, limits, now);
  if (end !== undefined) relay.expire(end);
  else if (!keepsAlive && needsKeepAlive(activity.startedAt, limits, now)) relay.keepAlive();
}
