/** What is told of a session once it is closed, and the words for why it was. */

/** Every reason a session can end with; each session ends with exactly one. */
export const reasons = [
  "done",
  "client_reset",
  "client_gone_queue",
  "client_gone_connect",
  "server_reset",
  "idle",
  "half_closed",
  "stalled",
  "lifetime",
  "connect_refused",
  "connect_timeout",
  "connect_unreachable",
  "queue_full",
  "queue_timeout",
  "hold_timeout",
  "no_target",
  "limit_process",
  "limit_listener",
  "target_down",
  "killed",
  "drain_deadline",
  "resource",
  "internal",
] as const;

export type Reason = typeof reasons[number];

/** A reason somebody outside the session ends it for. */
export type CutReason = "target_down" | "killed" | "drain_deadline";

/** One attempt to connect; `error` is null for the one that succeeded. `ms`: how long it took. */
export interface Attempt {
  readonly target: string;
  readonly error: Reason | null;
  readonly ms: number;
}

/** The one record a session leaves. Times in milliseconds, null = the session did not get that far. */
export interface CloseRecord {
  /** When it closed, milliseconds since 1970. */
  readonly time: number;
  readonly reason: Reason;
  readonly id: string;
  readonly listener: string;
  readonly pool: string;
  readonly target: string | null;
  readonly client: string;
  readonly attempts: readonly Attempt[];
  /** Received from the client, sent to the client. */
  readonly bytes: { readonly received: number; readonly sent: number };
  readonly ms: {
    readonly queue: number | null;
    readonly connect: number | null;
    readonly firstByte: number | null;
    readonly total: number;
  };
  /** The number of the configuration the session began with. */
  readonly generation: number;
}
