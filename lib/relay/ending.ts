/** When a relay is over, and how: one rule for every engine that relays by two directions. Pure. */
import type { RelayEnd } from "./engine.ts";

/** How a write to a peer failed: it had finished and then closed (EPIPE), or it cut the connection. */
export type SinkFailure = "closed" | "reset";

/** What the rule has to know of one direction. */
export interface DirectionState {
  /** How the source ended: its FIN was read, or it was cut. */
  readonly sourceEnd: "eof" | "reset" | undefined;
  /** Set once the sink takes no more; what still comes is thrown away. */
  readonly sinkFailed: SinkFailure | undefined;
  /** The source's FIN was read, and everything before it was sent or thrown away. */
  readonly ended: boolean;
}

/**
 * What is to be done. A side that takes nothing and sends nothing any more is `gone`: nothing the other still sends can
 * arrive, but closing on unread input would destroy what that other side has yet to receive. So its input is read on and
 * thrown away for a while; the session is over when that ends too. `targetCut`: over as soon as the client may be closed.
 */
export type Outcome =
  | { readonly kind: "open" | "targetGone" | "clientGone" | "targetCut" }
  | { readonly kind: "end"; readonly end: RelayEnd };

/** Decides by both directions, after something has ended in one of them. */
export function outcomeOf(up: DirectionState, down: DirectionState): Outcome {
  if (down.sourceEnd === "reset" || (down.ended && up.sinkFailed === "reset")) return { kind: "targetCut" };
  if (up.sourceEnd === "reset" || (up.ended && down.sinkFailed === "reset")) {
    return { kind: "end", end: "client_reset" };
  }
  // A client that closed before it had everything did not get its answer, however politely it left; a target that
  // closes while the client still sends has only said that it is done.
  const end = down.sinkFailed === undefined ? "done" : "client_reset";
  if (up.ended && down.ended) return { kind: "end", end };
  if (up.ended && down.sinkFailed !== undefined) return { kind: "clientGone" };
  if (down.ended && up.sinkFailed !== undefined) return { kind: "targetGone" };
  return { kind: "open" };
}
