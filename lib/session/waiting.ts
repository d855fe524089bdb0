/** How a session waits: for a target that is not full, for one that is well, or before it asks one again. */
import type { Picked, PickRequest } from "../pool/pool.ts";
import type { Engine, Socket } from "../relay/engine.ts";

/** The pool of a session, and the line in front of it. */
export interface SessionQueue {
  /** The pool as the newest snapshot has it. */
  readonly pool: SessionPool;
  /** Clients wait already: whoever comes now comes behind them. */
  readonly isBusy: boolean;
  /** Waits in line. */
  wait(request: WaitRequest): Promise<Waited>;
  /** A permit of a target was given back: the first in line may have it. */
  released(): void;
}

/** What a session asks of its pool. */
export interface SessionPool {
  readonly name: string;
  readonly retry: { readonly attempts: number; readonly pauseMs: number };
  /** How long a client waits while no target is eligible; 0 = not at all. */
  readonly holdMs: number;
  readonly hasEligible: boolean;
  take(request: PickRequest): Picked;
}

export interface WaitRequest {
  readonly client: Pick<Socket, "whenGone">;
  /** How long it waits for a target that is not full, in milliseconds; Infinity = no limit. The pool's `holdMs` is the other limit. */
  readonly queueMs: number;
  /** Takes a target, if there is one now: called when it is this session's turn. */
  readonly ask: () => Picked;
}

/** How a wait ended. `over`: its limit is past, or there is no pool any more. `gone`: the client has left, or the session was cut. `full`: too many wait. */
export type Waited =
  | Extract<Picked, { readonly kind: "target" }>
  | { readonly kind: "over"; readonly reason: "queue_timeout" | "hold_timeout" | "no_target" }
  | { readonly kind: "gone" | "full" };

/** Waits so long, or until the client is gone. */
export function pause(
  engine: Pick<Engine, "after">,
  { client, ms }: { readonly client: Pick<Socket, "whenGone">; readonly ms: number },
): Promise<"over" | "gone"> {
  return new Promise((resolve) => {
    const cancelTimer = engine.after(ms, () => {
      cancelGone();
      resolve("over");
    });
    const cancelGone = client.whenGone(() => {
      cancelTimer();
      resolve("gone");
    });
  });
}
