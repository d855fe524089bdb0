/** The words that the control plane and a data-plane thread exchange. */
import type { Attempt, CloseRecord } from "../session/record.ts";
import type { SocketAddress } from "../values/address.ts";
import type { CutReason, EngineName } from "../values/words.ts";
import type { SharedMemory } from "./memory.ts";
import type { Snapshot } from "./snapshot.ts";

/** One address to listen on; `shared`: other threads listen on it as well. */
export interface Bind {
  readonly listener: string;
  readonly address: SocketAddress;
  readonly shared: boolean;
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
  /** Answered with `listening` or `listenFailed`. Connections wait in the kernel until `accept`. */
  | { readonly type: "listen"; readonly binds: readonly Bind[] }
  | { readonly type: "accept" }
  /** Closes the listeners; answered with `drained` once the last session has ended. */
  | { readonly type: "drain" }
  | { readonly type: "cut"; readonly reason: CutReason; readonly spreadMs: number };

/** From a data-plane thread. */
export type Report =
  /** `wakeDescriptor`: how a thread that waits in the kernel is told of a message. */
  | { readonly type: "ready"; readonly wakeDescriptor: number | undefined }
  /** The addresses in fact bound, in the order asked for: port 0 has become a real port. */
  | { readonly type: "listening"; readonly addresses: readonly SocketAddress[] }
  | { readonly type: "listenFailed"; readonly bind: Bind; readonly cause: string }
  | { readonly type: "drained" }
  | {
    readonly type: "events";
    readonly closed: readonly CloseRecord[];
    readonly failedAttempts: readonly FailedAttempt[];
    readonly acceptErrors: readonly AcceptErrors[];
    readonly faults: readonly string[];
    /** How many of all these were dropped. */
    readonly lost: number;
  };

export interface FailedAttempt extends Attempt {
  readonly session: string;
  readonly pool: string;
}

/** Accepts of one listener that failed for the same cause since the report before. */
export interface AcceptErrors {
  readonly listener: string;
  readonly cause: string;
  readonly count: number;
}
