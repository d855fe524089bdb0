/** How many sessions the descriptor limit allows. */
import { errorCode } from "../values/system_error.ts";

/** Kept back for probes, the admin, log files and Deno itself; less where the limit is very small. */
const reserve = 256;

/** More sessions than this are not promised: counting the descriptors for them would take seconds. */
const maxSessions = 200_000;

/** What can be opened to count descriptors, the cheapest first: a container may lack /dev. */
const anyFiles = ["/dev/null", "/"] as const;

export interface SessionCap {
  readonly sessions: number;
  /** Whether the descriptors were counted; where they cannot be, the cap is the configured one. */
  readonly isCounted: boolean;
}

export interface SessionCapOptions {
  /** Counts free descriptors, at most so many, faster than by opening files; undefined where it cannot. */
  readonly count?: (wanted: number) => number | undefined;
  readonly files?: readonly string[];
}

/**
 * The cap on sessions: `maxConnections`, or what the descriptors that are free now allow at two for each session. Call it when
 * everything else that keeps descriptors is open.
 */
export function sessionCap(
  maxConnections: number,
  { count = () => undefined, files = anyFiles }: SessionCapOptions = {},
): SessionCap {
  const cap = Math.min(maxConnections, maxSessions);
  const wanted = cap * 2 + reserve;
  const free = count(wanted) ?? freeDescriptors(wanted, files);
  if (free === undefined) return { sessions: cap, isCounted: false };
  const kept = Math.min(reserve, Math.floor(free / 3));
  const sessions = Math.max(1, Math.min(cap, Math.floor((free - kept) / 2)));
  return { sessions, isCounted: true };
}

/**
 * Counts the descriptors that are still free, at most `wanted`, by opening and closing them: about 6 microseconds each.
 * Reading the limit itself would take every permission there is (`/proc`) or FFI. Undefined = none of the files can be opened.
 */
function freeDescriptors(wanted: number, candidates: readonly string[]): number | undefined {
  for (const path of candidates) {
    const count = countOpens(path, wanted);
    if (count !== undefined) return count;
  }
  return undefined;
}

/** How often a file can be opened before no descriptor is left; undefined = it cannot be opened for another reason. */
function countOpens(path: string, wanted: number): number | undefined {
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < wanted) files.push(Deno.openSync(path));
  } catch (error) {
    const code = errorCode(error);
    if (code !== "EMFILE" && code !== "ENFILE") return undefined;
  } finally {
    for (const file of files) file.close();
  }
  return files.length;
}
