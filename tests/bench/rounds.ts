/** The rounds: who is measured under what, in which order. */
import { fixedRatePerS } from "./fixed_rate.ts";
import { idleRound } from "./idle_round.ts";
import type { LegName } from "./leg.ts";
import { type LoadedWorkload, measure, type Measurement } from "./measurement.ts";
import type { Options } from "./options.ts";
import { orderOf } from "./order.ts";
import type { Rig, Server } from "./rig.ts";
import type { Sample } from "./samples.ts";
import type { ServerName } from "./server_names.ts";

/** Before the first counted round everybody gets so much load. */
const warmUpSeconds = 2;

/** What a phase needs. `log` takes a line about the progress, `signal` ends the run before its time. */
export interface Run {
  readonly rig: Rig;
  readonly options: Options;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** All samples of a leg, and the rate that the fixed load had (undefined when there was none). */
export interface LegResults {
  readonly leg: LegName;
  readonly samples: readonly Sample[];
  readonly ratePerS: number | undefined;
}

/** Runs every phase that was asked for on the rig's leg. */
export async function runLeg(run: Run): Promise<LegResults> {
  const { options, rig } = run;
  const { only, servers } = options;
  const samples: Sample[] = [];
  let ratePerS: number | undefined;
  const loaded = only.filter((name) => name === "small" || name === "new" || name === "bulk");
  if (loaded.length > 0 || only.includes("fixed")) {
    const started = await rig.start(servers, { threads: 1 });
    samples.push(...await loadPhase(run, { servers: started, workloads: loaded, ratePerS: 0 }));
    if (only.includes("fixed")) {
      const throughput = loaded.includes("small") ? samples : await calibrate(run, started);
      ratePerS = fixedRatePerS(throughput);
      run.log(`fixed load: ${Math.round(ratePerS)} requests/s`);
      samples.push(...await loadPhase(run, { servers: started, workloads: ["fixed"], ratePerS }));
    }
    await rig.stop(started);
  }
  if (only.includes("threads")) {
    const started = await rig.start(servers.filter((name) => name !== "direct"), { threads: 2 });
    samples.push(...await loadPhase(run, { servers: started, workloads: ["threads"], ratePerS: 0 }));
    await rig.stop(started);
  }
  if (only.includes("idle")) samples.push(...await idlePhase(run));
  return { leg: rig.leg.name, samples, ratePerS };
}

interface Phase {
  readonly servers: readonly Server[];
  readonly workloads: readonly LoadedWorkload[];
  readonly ratePerS: number;
}

async function loadPhase(run: Run, { servers, workloads, ratePerS }: Phase): Promise<Sample[]> {
  const { rounds, seconds } = run.options;
  const samples: Sample[] = [];
  const { client } = run.rig.leg;
  const measureOne = async (server: Server, measurement: Measurement): Promise<Sample> => {
    run.signal.throwIfAborted();
    return await measure(server, { ...measurement, client, signal: run.signal });
  };
  for (const workload of workloads) {
    // The fixed load warms up by itself, and comes when everybody is warm.
    if (workload === "fixed") continue;
    for (const server of servers) {
      await measureOne(server, { workload, round: 0, seconds: warmUpSeconds, ratePerS });
    }
  }
  for (let round = 1; round <= rounds; round++) {
    for (const workload of workloads) {
      run.log(`${run.rig.leg.name}, round ${round} of ${rounds}: ${workload}`);
      for (const server of orderOf(servers, round)) {
        samples.push(await measureOne(server, { workload, round, seconds, ratePerS }));
      }
    }
  }
  return inOrder(samples, servers.map(({ name }) => name));
}

/** The throughput of small requests, for a run that does not measure it. */
function calibrate(run: Run, servers: readonly Server[]): Promise<Sample[]> {
  run.log("throughput of small requests, for the fixed load");
  return loadPhase({ ...run, options: { ...run.options, rounds: 1 } }, {
    servers,
    workloads: ["small"],
    ratePerS: 0,
  });
}

/** Fresh processes in each round: what an earlier load has left behind is not to hide what sessions need. */
async function idlePhase({ options, rig, log, signal }: Run): Promise<Sample[]> {
  const names = options.servers.filter((name) => name !== "direct");
  const samples: Sample[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    log(`${rig.leg.name}, round ${round} of ${options.rounds}: idle`);
    const servers = await rig.start(orderOf(names, round), { threads: 1 });
    samples.push(...await idleRound(servers, { round, client: rig.leg.client, signal }));
    await rig.stop(servers);
  }
  return inOrder(samples, names);
}

/** Servers in the order in which they are named, rounds in theirs. */
function inOrder(samples: readonly Sample[], names: readonly ServerName[]): Sample[] {
  return samples.toSorted((a, b) => names.indexOf(a.server) - names.indexOf(b.server) || a.round - b.round);
}
