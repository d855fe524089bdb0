/** What idle sessions cost in memory, for fresh servers. */
import { IdleSessions } from "./idle_sessions.ts";
import { pauseMs } from "./process.ts";
import type { Server } from "./rig.ts";
import type { Sample } from "./samples.ts";
import { wrk } from "./wrk.ts";

/** Idle sessions of each server. */
const idleCount = 2000;
/** Load before memory is looked at: code is compiled and the heap has its size. */
const warmUpSeconds = 2;
/** After load, until memory stands still. */
const settleMs = 5_000;

/** One round for these servers, all holding their sessions at the same time; who fails is a sample that says why. */
export async function idleRound(
  servers: readonly Server[],
  { round, signal }: { round: number; signal: AbortSignal },
): Promise<Sample[]> {
  for (const { port } of servers) {
    await wrk({ port, path: "/small", clients: 64, seconds: warmUpSeconds }, signal);
  }
  await pauseMs(settleMs);
  const before = servers.map(resident);
  using opened = new DisposableStack();
  const held = new Map<Server, IdleSessions | string>();
  for (const server of servers) {
    signal.throwIfAborted();
    held.set(server, await open(server, opened));
  }
  await pauseMs(settleMs);
  signal.throwIfAborted();
  const after = servers.map(resident);
  return await Promise.all(servers.map(async (server, index): Promise<Sample> => {
    const place = { workload: "idle", server: server.name, round } as const;
    const sessions = held.get(server)!;
    if (typeof sessions === "string") return { ...place, values: {}, problems: [sessions] };
    const lost = idleCount - await sessions.alive();
    return {
      ...place,
      values: valuesOf(before[index]!, after[index]!),
      problems: lost === 0 ? [] : [`${lost} sessions did not answer any more`],
    };
  }));
}

function resident({ process }: Server): number {
  if (process === undefined) throw new Error("no process whose memory could be measured");
  return process.residentBytes();
}

async function open({ port }: Server, opened: DisposableStack): Promise<IdleSessions | string> {
  try {
    return opened.use(await IdleSessions.open(port, idleCount));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function valuesOf(beforeBytes: number, afterBytes: number): Sample["values"] {
  return {
    baseMib: beforeBytes / 2 ** 20,
    fullMib: afterBytes / 2 ** 20,
    sessionKib: (afterBytes - beforeBytes) / idleCount / 1024,
  };
}
