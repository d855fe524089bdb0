/** How many sessions the descriptor limit allows. */

/** Kept back for probes, the admin, log files and Deno itself; less where the limit is very small. */
const reserve = 256;

/** More sessions than this are not promised: counting the descriptors for them would take seconds. */
const mostSessions = 200_000;

/**
 * The cap on sessions: `maxConnections`, or what the descriptors that are free now allow at two for each session. Call it when
 * everything else that keeps descriptors is open. Throws what the system says when a descriptor cannot be had for another
 * reason than that there are none left.
 */
export function sessionCap(maxConnections: number): number {
  const most = Math.min(maxConnections, mostSessions);
  const free = freeDescriptors(most * 2 + reserve);
  const kept = Math.min(reserve, Math.floor(free / 3));
  return Math.max(1, Math.min(most, Math.floor((free - kept) / 2)));
}

/**
 * Counts the descriptors that are still free, at most `wanted`, by opening and closing them: about 6 microseconds each.
 * Reading the limit itself would take every permission there is (`/proc`) or FFI.
 */
function freeDescriptors(wanted: number): number {
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < wanted) files.push(Deno.openSync("/dev/null"));
  } catch (error) {
    // EMFILE and ENFILE: as many as there are.
    if (!(error instanceof Error) || !/\(os error 2[34]\)/.test(error.message)) throw error;
  } finally {
    for (const file of files) file.close();
  }
  return files.length;
}
