/** What a session needs, and whom it tells. */
import type { Target } from "../pool/target.ts";
import type { Engine, RelayLimits } from "../relay/engine.ts";
import type { Permits } from "../shared/permits.ts";
import type { TargetWords } from "../shared/target_words.ts";
import type { Reason } from "../values/words.ts";
import type { Attempt } from "./record.ts";
import type { SessionQueue } from "./waiting.ts";

/** What every session of a listener needs of its thread and of the snapshot it begins in. */
export interface SessionContext {
  /** The number of the thread, for the names of its sessions. */
  readonly thread: number;
  readonly generation: number;
  readonly engine: Engine;
  readonly listener: { readonly name: string };
  /** The pool, and the line in front of it. */
  readonly queue: SessionQueue;
  /** Is told what connections to targets come to. */
  readonly outcomes: TargetOutcomes;
  /** Each permit the session has to take, in this order, and the reason it is refused with when there is none. */
  readonly limits: readonly PermitLimit[];
  readonly permits: Pick<Permits, "acquire" | "release">;
  readonly targetWords: Pick<TargetWords, "lastAddress" | "setLastAddress">;
  /** Waits a moment where a limit is used up, for another thread may be about to give a permit back; undefined = there is none. */
  readonly permitGrace?: { until(ask: () => boolean): Promise<void> } | undefined;
  /** How long it waits while every eligible target is full. */
  readonly queueTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly relayLimits: RelayLimits;
  /** Called for each attempt at once, failed or not: the record comes only when the session has ended. */
  readonly onAttempt: (event: AttemptEvent) => void;
}

export interface AttemptEvent {
  readonly session: { readonly id: string };
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

/** What a connection to a target comes to. */
export interface TargetOutcomes {
  refused(tried: TriedTarget, error: Reason): void;
  connected(tried: TriedTarget): void;
  /** The target's first byte has come. */
  served(tried: TriedTarget): void;
  /** The session has ended without one. */
  endedUnserved(tried: TriedTarget, reason: Reason): void;
}

export interface TriedTarget {
  readonly target: Target;
  /** The trial by which an ejected target may come back, if it is one. */
  readonly trial: number | undefined;
}
