/** One server under one workload for some seconds. */
import { bulkBytes } from "./configurations.ts";
import type { Host } from "./leg.ts";
import { paced } from "./paced.ts";
import type { Server } from "./rig.ts";
import type { Sample } from "./samples.ts";
import type { WorkloadName } from "./workloads.ts";
import { wrk, type WrkLoad } from "./wrk.ts";
import { problemsOf, type WrkResult } from "./wrk_output.ts";

/** Every workload but idle sessions, which need fresh processes. */
export type LoadedWorkload = Exclude<WorkloadName, "idle">;

/** What is measured; `ratePerS` is the fixed load's. */
export interface Measurement {
  readonly workload: LoadedWorkload;
  readonly round: number;
  readonly seconds: number;
  readonly ratePerS: number;
}

/** Where the load comes from; `signal` ends it at once. */
export interface Source {
  readonly client: Host;
  readonly signal: AbortSignal;
}

/** Connections of the fixed load. */
const pacedConnections = 64;
const mib = 1024 * 1024;

/** Measures a server. A load that cannot be run is a sample without values that says why. */
export async function measure(server: Server, measurement: Measurement & Source): Promise<Sample> {
  const { workload, round } = measurement;
  const key = { workload, server: server.name, round };
  try {
    const { values, problems } = workload === "fixed"
      ? await measureFixed(server, measurement)
      : await measureWrk(server, { ...measurement, workload });
    return { ...key, values, problems };
  } catch (error) {
    return { ...key, values: {}, problems: [error instanceof Error ? error.message : String(error)] };
  }
}

type WrkMeasurement = Measurement & Source & { readonly workload: Exclude<LoadedWorkload, "fixed"> };
type Outcome = Pick<Sample, "values" | "problems">;

async function measureWrk(
  { endpoint, process }: Server,
  { workload, seconds, client, signal }: WrkMeasurement,
): Promise<Outcome> {
  const { load, throughput, unitsPerRequest } = wrkWorkloads[workload];
  const cpuUs = process?.measureCpu();
  const result = await wrk({ ...load, client, endpoint, seconds }, signal);
  const cpu = cpuUs === undefined ? {} : { cpuUs: cpuUs() / (result.requests * unitsPerRequest) };
  return { values: { ...latencies(result), ...throughput(result), ...cpu }, problems: problemsOf(result) };
}

function latencies({ p50Ms, p99Ms }: WrkResult): Sample["values"] {
  return { p50Ms, p99Ms };
}

interface WrkWorkload {
  readonly load: Omit<WrkLoad, "client" | "endpoint" | "seconds">;
  readonly throughput: (result: WrkResult) => Sample["values"];
  /** What CPU time is divided by. */
  readonly unitsPerRequest: number;
}

const small: WrkWorkload = {
  load: { path: "/small", clients: 64 },
  throughput: ({ requestsPerS }) => ({ requestsPerS }),
  unitsPerRequest: 1,
};

const wrkWorkloads: { readonly [name in Exclude<LoadedWorkload, "fixed">]: WrkWorkload } = {
  small,
  threads: small,
  new: {
    load: { path: "/small", clients: 32, headers: ["Connection: close"] },
    throughput: ({ requestsPerS }) => ({ connectionsPerS: requestsPerS }),
    unitsPerRequest: 1,
  },
  bulk: {
    load: { path: "/bulk", clients: 8 },
    throughput: ({ requestsPerS }) => ({ mibPerS: requestsPerS * bulkBytes / mib }),
    unitsPerRequest: bulkBytes / mib,
  },
};

async function measureFixed(
  { endpoint, process }: Server,
  { round, seconds, ratePerS, client, signal }: Measurement & Source,
): Promise<Outcome> {
  const cpuUs = process?.measureCpu();
  const load = { ...endpoint, ratePerS, connections: pacedConnections, seconds, seed: round };
  const result = await paced(load, { client, signal });
  const { due, answered, elapsedMs, warmUpAnswered, ...values } = result;
  const cpu = cpuUs === undefined ? {} : { cpuUs: cpuUs() / (answered + warmUpAnswered) };
  const problems: string[] = [];
  if (answered < due) problems.push(`${due - answered} of ${due} requests were not answered`);
  if (elapsedMs > seconds * 1000 + 100) {
    problems.push(
      `fell behind the load: the last answer came ${Math.round(elapsedMs - seconds * 1000)} ms late`,
    );
  }
  // What is due in a hundredth of the time is what p99 is made of.
  if (result.clientStalledMs > elapsedMs / 100) {
    problems.push(
      `the client itself was held up for ${Math.round(result.clientStalledMs)} ms: the machine was busy`,
    );
  }
  return { values: { ...values, ...cpu }, problems };
}
