/** Far below the 10 seconds after which Deno ends a thread that has nothing to do: the timer may fire after its time as well. */
const intervalMs = 3_000;

/**
 * Keeps one thread of Deno's pool for name lookups alive, until disposed. The pool starts threads when there is work and ends
 * them when there is none; where the system then refuses a new one (the pids limit of a container or a service is used up),
 * Deno ends the process, with every session. With one that lives, work waits for it instead.
 */
export function keepLookupThread(): Disposable {
  let isUnderWay = false;
  const use = async () => {
    // Never two: where the pool is busy with lookups that hang, it is alive anyway.
    if (isUnderWay) return;
    isUnderWay = true;
    // Any asynchronous file operation will do: it is the same pool.
    await Deno.lstat("/dev/null").catch(() => {});
    isUnderWay = false;
  };
  use();
  const timer = setInterval(use, intervalMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
