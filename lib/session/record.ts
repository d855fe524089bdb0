/** What is reported of a session once it is closed. */
import type { Reason } from "../values/words.ts";

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
