import { faultOf } from "./detail.ts";
import { type Attempt, dial } from "./dial.ts";
import type { ProbeTarget } from "./spec.ts";

/** Connects and closes. Resolves soon after `signal` aborts, with nothing left open; never rejects. */
export async function tcpAttempt(address: ProbeTarget, signal: AbortSignal): Promise<Attempt> {
  try {
    (await dial(address, signal)).close();
    return { kind: "ok", detail: "connected" };
  } catch (error) {
    if (signal.aborted) return { kind: "cut", answering: false };
    const fault = faultOf(error);
    return { kind: fault.ours ? "ours" : "failed", detail: fault.detail };
  }
}
