/** Waiting with a bound and a message, so that what never comes has a name. */
import assert from "node:assert/strict";

/** Long enough for a busy machine. */
const defaultMaxMs = 30_000;
const pollIntervalMs = 10;

/** What is waited for, for the message; a function is asked when the time is over. */
export type Description = string | (() => string);

/** How long to wait. */
export interface Bound {
  readonly maxMs?: number;
}

/** Polls until `poll` gives something that is not undefined or false; fails after `maxMs` (half a minute). */
export async function eventually<T>(
  what: Description,
  poll: () => T | Promise<T>,
  { maxMs = defaultMaxMs }: Bound = {},
): Promise<Exclude<T, undefined | false>> {
  const startedAt = performance.now();
  for (;;) {
    const found = await poll();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (performance.now() - startedAt > maxMs) assert.fail(neverCame(what, maxMs));
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
}

/** Waits for a promise; fails after `maxMs` (half a minute). Leaves no timer behind. */
export async function within<T>(
  what: Description,
  promise: Promise<T>,
  { maxMs = defaultMaxMs }: Bound = {},
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: neverCame(what, maxMs) })), maxMs);
  });
  try {
    return await Promise.race([promise, never]);
  } finally {
    clearTimeout(timer);
  }
}

function neverCame(what: Description, maxMs: number): string {
  return `never came within ${maxMs / 1000} s: ${typeof what === "string" ? what : what()}`;
}
