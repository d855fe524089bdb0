/** CPU time of processes, from /proc. */

/** CPU time of one process: by the kernel's ticks, and by nanoseconds of each thread where the kernel has them. */
export interface CpuReading {
  readonly ticks: number;
  readonly threadNs: ReadonlyMap<number, number> | undefined;
}

/** Linux counts user-visible time in hundredths of a second on every architecture Deno runs on. */
const usPerTick = 10_000;

/** utime + stime of a line of /proc/PID/stat; the name in it may hold spaces and brackets. */
export function ticksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** The parent of a line of /proc/PID/stat. */
export function parentOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/**
 * Microseconds between two readings. The threads' nanoseconds are exact, but go with a thread that ends; then the
 * process's ticks, which keep its time, are taken.
 */
export function cpuUsBetween(before: CpuReading, after: CpuReading): number {
  const [old, now] = [before.threadNs, after.threadNs];
  if (old === undefined || now === undefined || [...old.keys()].some((thread) => !now.has(thread))) {
    return (after.ticks - before.ticks) * usPerTick;
  }
  let ns = 0;
  for (const [thread, total] of now) ns += total - (old.get(thread) ?? 0);
  return ns / 1000;
}

/** Reads a process now; throws when it is gone. */
export function readCpu(pid: number): CpuReading {
  const ticks = ticksOf(Deno.readTextFileSync(`/proc/${pid}/stat`));
  return { ticks, threadNs: readThreads(pid) };
}

function readThreads(pid: number): Map<number, number> | undefined {
  const threads = new Map<number, number>();
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const [ns] = Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`).split(" ");
      threads.set(Number(name), Number(ns));
    }
  } catch (error) {
    // No schedstat in this kernel, or a thread that ended just now.
    if (error instanceof Deno.errors.NotFound || /os error 3\b/.test(String(error))) return undefined;
    throw error;
  }
  return threads;
}

/** A process and all that descend from it. */
export function processTreeOf(pid: number): number[] {
  const tree = [pid];
  const parents = [...Deno.readDirSync("/proc")].flatMap(({ name }): [number, number][] => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return [[Number(name), parentOf(Deno.readTextFileSync(`/proc/${name}/stat`))]];
    } catch {
      // It has ended since the folder was listed.
      return [];
    }
  });
  for (const member of tree) {
    tree.push(...parents.filter(([, parent]) => parent === member).map(([id]) => id));
  }
  return tree;
}

/** Resident memory of processes in bytes; what two of them share counts twice. */
export function residentBytes(pids: readonly number[]): number {
  const kib = pids.map((pid) =>
    Number(/^Rss:\s*(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`))?.[1])
  );
  return kib.reduce((sum, value) => sum + value, 0) * 1024;
}
