import { type Clock, systemClock } from "./clock.ts";
import { deadline } from "./deadline.ts";
import { duration } from "./detail.ts";
import { dialAddress, type ProbeOutcome } from "./dial.ts";
import { fetchAttempt } from "./fetch.ts";
import { httpAttempt } from "./http.ts";
import type { ProbedSpec, ProbeResult, ProbeTarget } from "./spec.ts";
import { tcpAttempt } from "./tcp.ts";
import { urlAttempt } from "./url.ts";

/**
 * Probes a target once.
 *
 * Never rejects and leaves nothing open. When `signal` aborts it ends soon, inconclusive.
 */
export async function probe(
  spec: ProbedSpec,
  target: ProbeTarget,
  { signal, clock = systemClock }: { readonly signal: AbortSignal; readonly clock?: Clock },
): Promise<ProbeResult> {
  if (target.addresses.length === 0) {
    return { outcome: "failed", ms: 0, detail: target.unresolved ?? "no address", address: undefined };
  }
  const startedAt = clock.now();
  const { timeoutMs } = spec.timing;
  const over = new AbortController();
  const stop = () => over.abort();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const ending = deadline(timeoutMs, { clock, signal: over.signal });
  ending.then(stop);
  const outcome = await ask(spec, target, over.signal);
  const ms = clock.now() - startedAt;
  stop();
  signal.removeEventListener("abort", stop);
  return {
    ms,
    ...judged(outcome, await ending, timeoutMs),
    address: spec.check === "url" ? undefined : target.addresses[0],
  };
}

async function ask(spec: ProbedSpec, target: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome> {
  if (spec.check === "url") return await urlAttempt(spec, target, signal);
  const address = dialAddress(spec, target);
  if (spec.check === "tcp") return await tcpAttempt(address, signal);
  const fetched = spec.check === "http" ? await fetchAttempt(spec, address, signal) : "blocked";
  return fetched === "blocked" ? await httpAttempt(spec, address, signal) : fetched;
}

function judged(
  outcome: ProbeOutcome,
  ending: "timeout" | "starved" | "stopped",
  timeoutMs: number,
): Pick<ProbeResult, "outcome" | "detail"> {
  switch (outcome.kind) {
    case "passed":
    case "failed":
      return { outcome: outcome.kind, detail: outcome.detail };
    case "localFault":
      return { outcome: "inconclusive", detail: outcome.detail };
    case "cut":
      if (ending === "stopped") return { outcome: "inconclusive", detail: "stopped" };
      if (ending === "starved") {
        return { outcome: "inconclusive", detail: "this process got no processor time" };
      }
      return {
        outcome: "failed",
        detail: outcome.answering
          ? `answer not complete within ${duration(timeoutMs)}`
          : `no answer within ${duration(timeoutMs)}`,
      };
  }
}
