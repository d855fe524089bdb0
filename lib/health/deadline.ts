import type { Clock } from "./clock.ts";

/**
 * Waits until a probe has had `timeoutMs` of a running process.
 *
 * One timer of the whole length cannot tell a silent target from a process that got no processor: after a stall, timers run
 * before the sockets are looked at, and an answer long since in the kernel would lose. So the time is walked in eighths, and
 * an eighth whose timer came late is not charged. After four times `timeoutMs` by the clock the result is
 * `starved`: too little ran to tell. Ends early with `stopped` when `signal` aborts.
 */
export async function deadline(
  timeoutMs: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<"timeout" | "starved" | "stopped"> {
  const startedAt = clock.now();
  let ranMs = 0;
  while (!signal.aborted) {
    const stepMs = Math.min(timeoutMs / 8, timeoutMs - ranMs);
    const before = clock.now();
    await clock.sleep(stepMs, signal);
    if (signal.aborted) break;
    const tookMs = clock.now() - before;
    if (tookMs - stepMs <= Math.max(timeoutMs / 16, TOLERANCE_MS)) ranMs += tookMs;
    if (ranMs >= timeoutMs) return "timeout";
    if (clock.now() - startedAt >= 4 * timeoutMs) return "starved";
  }
  return "stopped";
}

/** Timers of a process that is doing well are some milliseconds late too. */
const TOLERANCE_MS = 20;
