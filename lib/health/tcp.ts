import { faultOf } from "./detail.ts";
import { dial, type DialAddress, type ProbeOutcome } from "./dial.ts";

/** Connects and closes. Resolves soon after `signal` aborts, with nothing left open; never rejects. */
export async function tcpAttempt(address: DialAddress, signal: AbortSignal): Promise<ProbeOutcome> {
  try {
    (await dial(address, signal)).close();
    return { kind: "passed", detail: "connected" };
  } catch (error) {
    if (signal.aborted) return { kind: "cut", answering: false };
    const fault = faultOf(error);
    return { kind: fault.local ? "localFault" : "failed", detail: fault.detail };
  }
}
