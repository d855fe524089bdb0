/** Waits for work, so many milliseconds at most; leaves no timer behind. Rejects where the work does in time. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | "tooLong"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<"tooLong">((resolve) => timer = setTimeout(() => resolve("tooLong"), ms));
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves once everybody else on this thread has had a chance to run. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
