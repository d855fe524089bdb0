/**
 * Sessions that a thread has with itself before it serves anybody. The code on the path of a session is compiled when it first
 * runs: without this the first clients of each thread wait for that, several times as long as those after them.
 */
import { stateBits } from "../pool/target_state.ts";
import type { Acceptor, Engine, Socket } from "../relay/engine.ts";
import { unlimited } from "../relay/engine.ts";
import { allocateMemory, type SharedMemory } from "../shared/layout.ts";
import { sharedViews } from "../shared/shared.ts";
import { formatAddress, type SocketAddress } from "../values/address.ts";
import { DataPlane } from "./data_plane.ts";
import type { Snapshot } from "./snapshot.ts";

/** So many sessions one after the other: more make the first client's wait hardly shorter, but the start longer. */
const maxSessions = 24;

/** A machine that is too busy for all of them serves its clients instead. */
const maxMs = 100;

/** How long each step of a session may take: on the loopback nothing is lost. */
const stepMs = 1_000;

const loopback: SocketAddress = { kind: "tcp", host: "127.0.0.1", port: 0 };
const slots = { process: 0, listener: 1, target: 2, count: 3 } as const;

export interface WarmUpOptions {
  readonly engine: Engine;
  /** Opens a connection as a client does, which is the caller's. */
  readonly dial: (address: SocketAddress) => Promise<Socket>;
}

/**
 * Runs them through the engine over the loopback, by a data plane with memory of its own: nothing is counted, reported or
 * logged, and no permit is taken. Resolves to how many it was: 0 where there is no loopback, or no permission to use it.
 */
export async function warmUp({ engine, dial }: WarmUpOptions): Promise<number> {
  const memory = allocateMemory(1, { slots: slots.count, pools: 1 });
  const plane = new DataPlane({ worker: 0, engine, memory, post: () => {} });
  using opened = new DisposableStack();
  let target: Acceptor;
  let front: SocketAddress;
  try {
    target = opened.use(engine.listen(loopback, { shared: false, onError: () => {} }));
    front = plane.bind([{ key: "front", address: loopback, shared: false }])[0]!;
  } catch {
    // A machine without a loopback, or a sandbox that keeps this thread from it, has listeners elsewhere.
    return 0;
  }
  plane.apply(snapshotFor(target.address, memory));
  plane.accept();
  // Accepting has no time limit of its own; who waits for it learns by this that nobody comes.
  const cancel = engine.after(stepMs, () => target[Symbol.dispose]());
  const endAt = engine.now() + maxMs;
  let count = 0;
  while (count < maxSessions && engine.now() < endAt && await oneSession(target, () => dial(front))) count++;
  cancel();
  plane.cut({ reason: "killed", spreadMs: 0 });
  await plane.drain();
  return count;
}

/** A request and its answer; false where they do not get through. */
async function oneSession(target: Acceptor, dial: () => Promise<Socket>): Promise<boolean> {
  const bytes = new Uint8Array(512);
  const timed = { timeoutMs: stepMs };
  try {
    using client = await dial();
    if (await client.write(bytes, timed) !== "written") return false;
    using served = await target.accept();
    if (served === undefined) return false;
    for (const [to, from] of [[served, undefined], [client, served]] as const) {
      if (from !== undefined && await from.write(bytes, timed) !== "written") return false;
      if ((await to.peek({ ...timed, minBytes: bytes.length })).kind !== "bytes") return false;
      to.skip(bytes.length);
    }
    return true;
  } catch {
    // No connection can be had: a client's attempt will say why, to somebody whom it concerns.
    return false;
  }
}

function snapshotFor(address: SocketAddress, memory: SharedMemory): Snapshot {
  const { targets, pools } = sharedViews(memory);
  targets.set(slots.target, { state: stateBits.up, weight: 1 });
  pools.advanceEpoch(0);
  const target = {
    name: formatAddress(address),
    addresses: [address],
    slot: slots.target,
    weight: 1,
    maxConnections: Infinity,
    tier: 0,
  };
  return {
    revision: 1,
    generation: 1,
    access: "all",
    process: { slot: slots.process, maxConnections: Infinity },
    listeners: [{
      name: "front",
      slot: slots.listener,
      binds: ["front"],
      pool: "back",
      maxConnections: Infinity,
      connectTimeoutMs: stepMs,
      queueTimeoutMs: stepMs,
      relayLimits: unlimited,
    }],
    pools: [{
      name: "back",
      slot: 0,
      algorithm: "roundRobin",
      targets: [target],
      tables: [],
      retry: { attempts: 1, pauseMs: stepMs },
      queueSize: 0,
      holdMs: 0,
      failOpen: false,
      maxFailures: Infinity,
    }],
  };
}
