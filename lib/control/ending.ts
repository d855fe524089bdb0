/** How the data-plane threads come to their end, with an upper bound whatever hangs. */
import type { Config } from "../config/config.ts";
import type { ThreadGroup } from "./threads.ts";
import { within } from "./within.ts";

/** How long the threads have to end their sessions when everything is to end at once. */
const lastRecordsMs = 500;

/** How long after the last session was to be cut a drain still waits for threads. */
const drainGraceMs = 2_000;

/**
 * Unbinds everything, lets the sessions end until the deadline, cuts the rest evenly over `closeSpreadMs`. Resolves when the
 * last session has ended, or should have; without a deadline a thread that hangs is given up by the threads themselves.
 */
export async function drainThreads(
  threads: Pick<ThreadGroup, "drain" | "cut">,
  { deadlineMs, closeSpreadMs }: Config["process"]["drain"],
): Promise<void> {
  if (!Number.isFinite(deadlineMs)) return await threads.drain();
  const cutting = setTimeout(
    () => threads.cut({ reason: "drain_deadline", spreadMs: closeSpreadMs }),
    deadlineMs,
  );
  try {
    await within(deadlineMs + closeSpreadMs + drainGraceMs, threads.drain());
  } finally {
    clearTimeout(cutting);
  }
}

/** Cuts every session as `killed` and terminates the threads. Each session still leaves its record; who hangs is not waited for. */
export async function stopThreads(threads: Pick<ThreadGroup, "drain" | "cut" | "terminate">): Promise<void> {
  threads.cut({ reason: "killed", spreadMs: 0 });
  await within(lastRecordsMs, threads.drain());
  threads.terminate();
}
