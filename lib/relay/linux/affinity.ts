/** Threads and the processor's cores. */
import type { Libc } from "./libc.ts";

/** `cpu_set_t`: a bit for each of 1,024 cores (sched.h). */
const setBytes = 128;

/**
 * Keeps the calling thread, number `index` of `count`, to a core of its own, where there is just one for each of them. Left
 * to itself the kernel moves threads after whoever wakes them, two onto one core now and then. Where the numbers differ,
 * somebody has other plans for the cores, and it stays as it is.
 */
export function keepToOwnCore({ call }: Libc, { index, count }: { index: number; count: number }): void {
  const allowed = new Uint8Array(setBytes);
  if (count === 1 || call.sched_getaffinity(0, setBytes, allowed) !== 0) return;
  const cores = Array.from({ length: setBytes * 8 }, (_, core) => core)
    .filter((core) => (allowed[core >> 3]! & (1 << (core & 7))) !== 0);
  const own = cores[index];
  if (cores.length !== count || own === undefined) return;
  const chosen = new Uint8Array(setBytes);
  chosen[own >> 3] = 1 << (own & 7);
  // A refusal costs speed at most.
  call.sched_setaffinity(0, setBytes, chosen);
}
