/**
 * One lb at a time binds. To find out that an address is free and to bind it are two calls, and sockets with SO_REUSEPORT
 * of two processes that start in the same moment would both succeed: each would get half of the clients.
 */

/**
 * The mutex is an address itself, on the loopback of the network namespace, where addresses are taken: whoever listens on it
 * has it. It needs no file, and the kernel gives it back when its holder dies.
 */
const mutexAddress = { hostname: "127.108.98.1", port: 64_098 } as const;

const retryMs = 5;

/** A holder needs it for some milliseconds; one that hangs, or a stranger on that address, must not keep lb from starting. */
const defaultMaxWaitMs = 2_000;

export interface BindMutexOptions {
  readonly address?: { readonly hostname: string; readonly port: number };
  readonly maxWaitMs?: number;
}

/** Holds the mutex until disposed. Goes on without it where it cannot be had: where there is no such loopback, or for too long. */
export async function acquireBindMutex(
  { address = mutexAddress, maxWaitMs = defaultMaxWaitMs }: BindMutexOptions = {},
): Promise<Disposable> {
  const endAt = performance.now() + maxWaitMs;
  for (;;) {
    try {
      const listener = Deno.listen(address);
      return { [Symbol.dispose]: () => listener.close() };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || performance.now() >= endAt) {
        return { [Symbol.dispose]: () => {} };
      }
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}
