/** What idle sessions cost in memory, for fresh servers. */
import { IdleSessions } from "./idle_sessions.ts";
import type { Host } from "./leg.ts";
import { pauseMs } from "./process.ts";
import type { Server } from "./rig.ts";
import type { Sample } from "./samples.ts";
import { wrk } from "./wrk.ts";

/** Idle sessions of each server. */
const idleCount = 2000;
/** Load before memory is read: code is compiled and the heap has its size. */
const warmUpSeconds = 2;
/** After load, until memory stands still. */
const settleMs = 5_000;

/** One round for these servers, all holding their sessions at the same time; who fails is a sample that says why. */
export async function idleRound(
  servers: readonly Server[],
  { round, client, signal }: { round: number; client: Host; signal: AbortSignal },
): Promise<Sample[]> {
  for (const { endpoint } of servers) {
    await wrk({ client, endpoint, path: "/small", clients: 64, seconds: warmUpSeconds }, signal);
  }
  await pauseMs(settleMs);
  const before = servers.map(resident);
  await using opened = new AsyncDisposableStack();
  const held = new Map<Server, IdleSessions | string>();
  for (const server of servers) {
    signal.throwIfAborted();
    held.set(server, await open(server, { client, opened }));
  }
  await pauseMs(settleMs);
  signal.throwIfAborted();
  const after = servers.map(resident);
  return await Promise.all(servers.map(async (server, index): Promise<Sample> => {
    const key = { workload: "idle", server: server.name, round } as const;
    const sessions = held.get(server)!;
    if (typeof sessions === "string") return { ...key, values: {}, problems: [sessions] };
    const lost = idleCount - await sessions.alive();
    return {
      ...key,
      values: valuesOf(before[index]!, after[index]!),
      problems: lost === 0 ? [] : [`${lost} sessions did not answer any more`],
    };
  }));
}

function resident({ process }: Server): number {
  if (process === undefined) throw new Error("no process whose memory could be measured");
  return process.residentBytes();
}

async function open(
  { endpoint }: Server,
  { client, opened }: { client: Host; opened: AsyncDisposableStack },
): Promise<IdleSessions | string> {
  const sessions = opened.use(new IdleSessions(client, { ...endpoint, count: idleCount }));
  try {
    await sessions.open();
    return sessions;
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
