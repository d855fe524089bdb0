/** Everything that happens and that somebody may want to know: one union, made by the control plane. */
import type { AcceptErrors, Drained, FailedAttempt, Report } from "../dataplane/messages.ts";
import type { Overload } from "../health/overload.ts";
import type { HealthState } from "../health/verdict.ts";
import type { Withheld } from "../health/ejection.ts";
import type { CloseRecord } from "../session/record.ts";
import type { CutReason, Reason } from "../values/words.ts";

/** A data-plane thread has died, and its sessions with it. */
export interface Death {
  readonly worker: number;
  readonly cause: string;
  /** How many sessions it had open. */
  readonly sessions: number;
  /** After how long it is started again; null = not any more, for everything ends. */
  readonly restartMs: number | null;
}

/** What ejection has done to a target; `cause` says why. */
export type EjectionEvent =
  & { readonly pool: string; readonly target: string; readonly cause: string }
  & (
    /** It is out for `ms`, the `inRow`-th time in a row; `ejectionObserved`: it would be. `failures` null = its trial has failed. */
    | {
      readonly kind: "ejected" | "ejectionObserved";
      readonly failures: number | null;
      readonly inRow: number;
      readonly ms: number;
    }
    /** It fails, and is not ejected. */
    | { readonly kind: "ejectionWithheld"; readonly failures: number | null; readonly why: Withheld }
    /** `trial`: it is let have one session, which decides. `returned`: its ejection is over. */
    | { readonly kind: "trial" | "returned" }
  );

/** How many sessions of a listener or a target are open; one may be counted under both. */
export interface OpenSessions {
  readonly kind: string;
  readonly name: string;
  readonly count: number;
}

export type BalancerEvent =
  /** A verdict on a target has changed; `detail` says why. */
  | {
    readonly kind: "health";
    readonly pool: string;
    readonly target: string;
    readonly from: HealthState;
    readonly to: HealthState;
    readonly detail: string;
  }
  | EjectionEvent
  /** Probes say nothing about this target for a cause of this process or machine, which no other target has as well. */
  | { readonly kind: "inconclusive"; readonly pool: string; readonly target: string; readonly detail: string }
  /** More probes are due than this process can make. */
  | ({ readonly kind: "probeOverload" } & Overload)
  /** What a host name stands for has changed, or why it could not be looked up. */
  | {
    readonly kind: "name";
    readonly host: string;
    /** IP addresses, in the order they are tried; the last good answer where there is a `problem`. */
    readonly addresses: readonly string[];
    readonly problem: string | undefined;
  }
  /** An address of a listener's host name is left out, because this machine does not have it. */
  | {
    readonly kind: "bindSkipped";
    readonly listener: string;
    readonly address: string;
    readonly why: string;
  }
  /** Listeners or targets were removed that have open sessions: those may go on for so long, Infinity = as long as they want. */
  | {
    readonly kind: "departing";
    readonly open: readonly OpenSessions[];
    readonly deadlineMs: number;
    /** Over how long they are cut then. */
    readonly spreadMs: number;
  }
  /** Open sessions are cut, because their target is down, or was removed, as their listener may be, and the deadline has come. */
  | {
    readonly kind: "cutting";
    readonly reason: CutReason;
    readonly open: readonly OpenSessions[];
    readonly spreadMs: number;
  }
  /** lb is not ready any more, and goes on accepting for so long before it drains. */
  | { readonly kind: "drainDelayed"; readonly delayMs: number }
  /** The listeners close; so many sessions are open, and cut after so long, Infinity = never, spread over `spreadMs`. */
  | {
    readonly kind: "draining";
    readonly open: number;
    readonly deadlineMs: number;
    readonly spreadMs: number;
  }
  /** What has become of them. */
  | ({ readonly kind: "drained" } & Drained)
  | { readonly kind: "closed"; readonly records: readonly CloseRecord[] }
  | { readonly kind: "failedAttempts"; readonly attempts: readonly FailedAttempt[] }
  | { readonly kind: "acceptErrors"; readonly errors: readonly AcceptErrors[] }
  /** So many of the above were dropped, because a thread had no time to report them. */
  | { readonly kind: "lost"; readonly count: number }
  /** The program itself is at fault. */
  | { readonly kind: "fault"; readonly detail: string }
  | { readonly kind: "death"; readonly death: Death };

/** What a data-plane thread has reported, each kind as one event. */
export function* eventsOf(
  { closed, failedAttempts, acceptErrors, faults, lost }: Extract<Report, { type: "events" }>,
): Generator<BalancerEvent> {
  // An attempt comes before the end of its session.
  if (failedAttempts.length > 0) yield { kind: "failedAttempts", attempts: failedAttempts };
  if (closed.length > 0) yield { kind: "closed", records: closed };
  if (acceptErrors.length > 0) yield { kind: "acceptErrors", errors: acceptErrors };
  if (lost > 0) yield { kind: "lost", count: lost };
  for (const detail of faults) yield { kind: "fault", detail };
}

/** Whether a failed attempt speaks of its target, and not of the client or of this machine. */
export function isTargetsFault(error: Reason | null): boolean {
  return error !== "client_gone_connect" && error !== "resource";
}
