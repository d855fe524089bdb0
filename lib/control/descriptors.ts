/** How many sessions the descriptor limit allows. */

/** Kept back for probes, the admin, log files and Deno itself; less where the limit is very small. */
const reserve = 256;

/**
 * Counts the descriptors that are still free, at most `wanted`, by opening and closing them: about 6 microseconds each.
 * Reading the limit itself would take every permission there is (`/proc`) or FFI.
 */
export function freeDescriptors(wanted: number): number {
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < wanted) files.push(Deno.openSync("/dev/null"));
  } catch {
    // As many as there are.
  } finally {
    for (const file of files) file.close();
  }
  return files.length;
}

/**
 * The cap on sessions: the configured one, or what the descriptors allow at two for each session.
 * `free` is what `freeDescriptors` counted before the data plane was started, `wanted` what it was asked for.
 */
export function sessionCap(maxConnections: number, free: number): number {
  const kept = Math.min(reserve, Math.floor(free / 3));
  return Math.max(1, Math.min(maxConnections, Math.floor((free - kept) / 2)));
}

/** How many descriptors `maxConnections` sessions want, with what is kept back. */
export function wantedDescriptors(maxConnections: number): number {
  return maxConnections * 2 + reserve;
}
