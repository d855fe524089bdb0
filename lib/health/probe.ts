import { type Clock, systemClock } from "./clock.ts";
import { deadline } from "./deadline.ts";
import { duration } from "./detail.ts";
import { type Attempt, dialAddress } from "./dial.ts";
import { fetchAttempt, urlAttempt } from "./fetch.ts";
import { httpAttempt } from "./http.ts";
import type { ProbedSpec, ProbeResult, ProbeTarget } from "./spec.ts";
import { tcpAttempt } from "./tcp.ts";

/**
 * Probes a target once.
 *
 * Never rejects and leaves nothing open. When `signal` aborts it ends soon, with a result that counts neither way.
 */
export async function probe(
  spec: ProbedSpec,
  target: ProbeTarget,
  { signal, clock = systemClock }: { readonly signal: AbortSignal; readonly clock?: Clock },
): Promise<ProbeResult> {
  const startedAt = clock.now();
  const { timeoutMs } = spec.timing;
  const over = new AbortController();
  const stop = () => over.abort();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const ending = deadline(timeoutMs, { clock, signal: over.signal });
  ending.then(stop);
  const address = dialAddress(spec, target);
  const attempt = await attemptOf(spec, address, over.signal);
  const ms = clock.now() - startedAt;
  stop();
  signal.removeEventListener("abort", stop);
  return { ms, ...judged(attempt, await ending, timeoutMs) };
}

async function attemptOf(spec: ProbedSpec, address: ProbeTarget, signal: AbortSignal): Promise<Attempt> {
  if (spec.check === "tcp") return await tcpAttempt(address, signal);
  if (spec.check === "url") return await urlAttempt(spec, address, signal);
  const fetched = spec.check === "http" ? await fetchAttempt(spec, address, signal) : "blocked";
  return fetched === "blocked" ? await httpAttempt(spec, address, signal) : fetched;
}

function judged(
  attempt: Attempt,
  ending: "timeout" | "late" | "stopped",
  timeoutMs: number,
): Pick<ProbeResult, "ok" | "detail"> {
  switch (attempt.kind) {
    case "ok":
      return { ok: true, detail: attempt.detail };
    case "failed":
      return { ok: false, detail: attempt.detail };
    case "ours":
      return { ok: "late", detail: attempt.detail };
    case "cut":
      if (ending === "stopped") return { ok: "late", detail: "stopped" };
      if (ending === "late") return { ok: "late", detail: "this process got no processor time" };
      return {
        ok: false,
        detail: attempt.answering
          ? `answer not complete within ${duration(timeoutMs)}`
          : `no answer within ${duration(timeoutMs)}`,
      };
  }
}
