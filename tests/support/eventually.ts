/** Waiting for a condition that nobody announces. */
import assert from "node:assert/strict";

const patienceMs = 30_000;
const lookEveryMs = 10;

/** Looks again and again until `look` gives something that is not undefined or false; fails after half a minute. */
export async function eventually<T>(
  what: string | (() => string),
  look: () => T | Promise<T>,
): Promise<Exclude<T, undefined | false>> {
  const startedAt = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (performance.now() - startedAt > patienceMs) {
      assert.fail(`never came: ${typeof what === "string" ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** Waits for a promise and fails after half a minute, so that what never comes has a name. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new assert.AssertionError({ message: `never came: ${what}` })),
      patienceMs,
    );
  });
  try {
    return await Promise.race([promise, never]);
  } finally {
    clearTimeout(timer);
  }
}
