/** The words that the control plane and a data-plane thread exchange. */
import type { Attempt, CloseRecord } from "../session/record.ts";
import type { SharedMemory } from "../shared/layout.ts";
import type { SocketAddress } from "../values/address.ts";
import type { CutReason, EngineName } from "../values/words.ts";
import type { Snapshot } from "./snapshot.ts";

/** One address to listen on. Snapshots name it by its key; it does not belong to a listener for life. */
export interface Bind {
  readonly key: string;
  readonly address: SocketAddress;
  /** Other threads listen on it as well. */
  readonly shared: boolean;
}

/** Ends sessions that are open now, those first that have been quiet longest, evenly over `spreadMs`. */
export interface Cut {
  readonly reason: CutReason;
  readonly spreadMs: number;
  /** Those of these listeners and targets only, also those that still connect to such a target; left out = all. */
  readonly slots?: readonly number[] | undefined;
}

/** What has become of the sessions that were open in a drain, or began in it. */
export interface Drained {
  /** How many ended otherwise. */
  readonly ended: number;
  /** How many were cut at its deadline, or given up with a thread that hangs or has died. */
  readonly cut: number;
}

/** From the control plane. */
export type Command =
  | {
    readonly type: "start";
    readonly worker: number;
    readonly engine: EngineName;
    readonly memory: SharedMemory;
  }
  | { readonly type: "snapshot"; readonly snapshot: Snapshot }
  /** Binds all or none; answered with `bound` or `bindFailed` and the same id. Connections wait in the kernel until `accept`. */
  | { readonly type: "bind"; readonly id: number; readonly binds: readonly Bind[] }
  /** Serves what waits in the accept queues of these binds, and closes them; answered with `unbound` and the same id. */
  | { readonly type: "unbind"; readonly id: number; readonly keys: readonly string[] }
  /** Accepts on every bind that the newest snapshot names, now and whenever one is added. */
  | { readonly type: "accept" }
  /** Unbinds everything; answered with `drained` once the last session has ended. */
  | { readonly type: "drain" }
  | ({ readonly type: "cut" } & Cut)
  /** Answered with `pong` by a thread that does not hang. */
  | { readonly type: "ping" };

/** From a data-plane thread. */
export type Report =
  /** `wakeDescriptor`: how a thread that waits in the kernel is made to receive a message. */
  | { readonly type: "ready"; readonly wakeDescriptor: number | undefined }
  /** The addresses in fact bound, in the order asked for: port 0 has become a real port. */
  | { readonly type: "bound"; readonly id: number; readonly addresses: readonly SocketAddress[] }
  | {
    readonly type: "bindFailed";
    readonly id: number;
    readonly key: string;
    readonly failure: BindFailure;
  }
  /** The binds of this `unbind` are closed: their addresses are free. */
  | { readonly type: "unbound"; readonly id: number }
  /** A target has failed as often in a row as its pool bears, or more; sent at once when it is the first time, else gathered. */
  | { readonly type: "failing"; readonly targets: readonly FailingTarget[] }
  /** A trial of an ejected target has ended, and what it has shown; one that showed nothing is not reported. */
  | {
    readonly type: "trial";
    readonly trial: number;
    readonly pool: string;
    readonly target: string;
    readonly passed: boolean;
    readonly cause: string;
  }
  | ({ readonly type: "drained" } & Drained)
  | { readonly type: "pong" }
  | {
    readonly type: "events";
    readonly closed: readonly CloseRecord[];
    readonly failedAttempts: readonly FailedAttempt[];
    readonly acceptErrors: readonly AcceptErrors[];
    readonly faults: readonly string[];
    /** How many of all these were dropped. */
    readonly lost: number;
  };

/** Why an address could not be bound: the name of the error number where there is one ("EADDRINUSE"), and words. */
export interface BindFailure {
  readonly code: string | undefined;
  readonly message: string;
}

/** A target to which real connections fail. */
export interface FailingTarget {
  readonly pool: string;
  readonly target: string;
  /** Failed connects and resets before the first byte, in a row. */
  readonly failures: number;
  /** What the last of them was, in words. */
  readonly cause: string;
}

export interface FailedAttempt extends Attempt {
  readonly session: string;
  readonly pool: string;
  /** Why, in words. */
  readonly detail: string;
}

/** Accepts of one listener that failed for the same cause since the report before. */
export interface AcceptErrors {
  readonly listener: string;
  readonly cause: string;
  readonly count: number;
}
