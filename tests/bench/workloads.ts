/** What is measured: each workload with its figures, and how they are printed. */

/** One figure of a workload. */
export interface Figure {
  readonly key: string;
  readonly title: string;
  readonly better: "higher" | "lower";
  readonly digits: number;
  /** Whether it is compared with the peers' as a ratio. */
  readonly compared: boolean;
}

/** The name of a workload, as `--only` takes it. */
export type WorkloadName = "small" | "new" | "bulk" | "threads" | "fixed" | "idle";

/** A workload and its figures; the first figure is the one that decides which peer is named first. */
export interface Workload {
  readonly name: WorkloadName;
  readonly title: string;
  readonly figures: readonly Figure[];
}

function higher(key: string, title: string): Figure {
  return { key, title, better: "higher", digits: 0, compared: true };
}

function lower(key: string, title: string, digits: number, compared = true): Figure {
  return { key, title, better: "lower", digits, compared };
}

const p50 = lower("p50Ms", "p50 ms", 2, false);
const p99 = lower("p99Ms", "p99 ms", 2);

/** Every workload, in the order in which they are reported. */
export const workloads: readonly Workload[] = [
  {
    name: "small",
    title: "Small answers: 6 bytes, keep-alive, 64 clients",
    figures: [higher("requestsPerS", "requests/s"), p50, p99, lower("cpuUs", "CPU us/request", 1)],
  },
  {
    name: "new",
    title: "New connections: one for each request, 32 clients",
    figures: [higher("connectionsPerS", "connections/s"), p50, p99, lower("cpuUs", "CPU us/connection", 1)],
  },
  {
    name: "bulk",
    title: "Bulk: 1 MiB answers, keep-alive, 8 clients",
    figures: [higher("mibPerS", "MiB/s"), p50, p99, lower("cpuUs", "CPU us/MiB", 0)],
  },
  {
    name: "threads",
    title: "Two threads each: small answers, 64 clients",
    figures: [higher("requestsPerS", "requests/s"), p50, p99, lower("cpuUs", "CPU us/request", 1)],
  },
  {
    name: "fixed",
    title: "Small answers at the same fixed load for all, 64 connections",
    figures: [p99, p50, lower("p999Ms", "p99.9 ms", 2, false), lower("cpuUs", "CPU us/request", 1)],
  },
  {
    name: "idle",
    title: "2,000 idle sessions: resident memory",
    figures: [
      lower("sessionKib", "KiB/session", 1),
      lower("baseMib", "MiB without sessions", 1),
      lower("fullMib", "MiB with 2,000", 1),
    ],
  },
];

/** The workload of a name. */
export function workloadNamed(name: WorkloadName): Workload {
  return workloads.find((workload) => workload.name === name)!;
}
