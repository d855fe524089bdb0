/** What one server gave in one round. */
import type { ServerName } from "./server_names.ts";
import type { WorkloadName } from "./workloads.ts";

/** The figures of one measurement, by the keys of the workload's figures; `problems` make it doubtful. */
export interface Sample {
  readonly workload: WorkloadName;
  readonly server: ServerName;
  /** From 1. */
  readonly round: number;
  readonly values: { readonly [figure: string]: number };
  readonly problems: readonly string[];
}

/** The values of one server's figure by round. */
export function byRound(
  samples: readonly Sample[],
  { workload, server, figure }: { workload: WorkloadName; server: ServerName; figure: string },
): ReadonlyMap<number, number> {
  const own = samples.filter((sample) => sample.workload === workload && sample.server === server);
  return new Map(own.flatMap(({ round, values }) => {
    const value = values[figure];
    return value === undefined ? [] : [[round, value] as const];
  }));
}
