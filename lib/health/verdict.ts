import type { ProbeTiming } from "./spec.ts";

/** What the probes so far say about a target. */
export type HealthState = "checking" | "up" | "down";

/** A state, and how many results in a row have spoken against it. */
export interface Verdict {
  readonly state: HealthState;
  /** Failures in a row while up, successes in a row while down; 0 = steady. */
  readonly streak: number;
}

/** Counts one probe result; while `checking` a single result decides. */
export function step(
  verdict: Verdict,
  ok: boolean,
  { rise, fall }: Pick<ProbeTiming, "rise" | "fall">,
): { readonly verdict: Verdict; readonly changed: boolean } {
  const says = ok ? "up" : "down";
  if (verdict.state === says) return { verdict: { state: says, streak: 0 }, changed: false };
  const streak = verdict.streak + 1;
  const needed = verdict.state === "checking" ? 1 : ok ? rise : fall;
  if (streak < needed) return { verdict: { state: verdict.state, streak }, changed: false };
  return { verdict: { state: says, streak: 0 }, changed: true };
}

/**
 * How long after the start of the last probe the next one starts, in milliseconds.
 *
 * `random` is a number in [0, 1): by so much of `timing.jitter` the delay is shorter. It is never longer, so that a verdict
 * comes within as many intervals as `rise` and `fall` say.
 */
export function nextDelayMs(verdict: Verdict, timing: ProbeTiming, random: number): number {
  if (verdict.state === "checking" || verdict.streak > 0) return soonMs(timing, random);
  return jittered(verdict.state === "up" ? timing.intervalMs : timing.downIntervalMs, timing.jitter, random);
}

/** The delay while results that may change the verdict are being counted, and before the repeat of an inconclusive probe. */
export function soonMs(timing: ProbeTiming, random: number): number {
  // With an interval below the default fastInterval, "fast" must not come out slower than usual.
  return jittered(Math.min(timing.fastIntervalMs, timing.intervalMs), timing.jitter, random);
}

/** The delay while real connections to a target fail: without jitter, for it is never to be shorter. */
export function hurriedMs({ fastIntervalMs, intervalMs }: ProbeTiming): number {
  return Math.min(fastIntervalMs, intervalMs);
}

function jittered(ms: number, jitter: number, random: number): number {
  return ms * (1 - jitter * random);
}
