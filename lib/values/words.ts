/** The closed word lists that several rooms share; each word is spelled in `lb.yaml`, logs and metrics as it is here. */

/** How a pool picks a target. */
export const algorithmNames = [
  "roundRobin",
  "leastConnections",
  "powerOfTwo",
  "random",
  "sourceHash",
  "first",
] as const;

export type AlgorithmName = typeof algorithmNames[number];

/** What accepts, connects and relays. */
export const engineNames = ["portable", "linux"] as const;

export type EngineName = typeof engineNames[number];

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

/** A reason that somebody outside the session ends it for. */
export type CutReason = Extract<Reason, "target_down" | "killed" | "drain_deadline">;

/** What a failed accept says where its client had left before: that is traffic, and no fault. */
export const goneBeforeAccept = "a client was gone before it was accepted";
