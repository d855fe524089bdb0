import { DataPlane } from "../../lib/dataplane/data_plane.ts";
import type { Bind, Report } from "../../lib/dataplane/messages.ts";
import type { ListenerSpec, Snapshot } from "../../lib/dataplane/snapshot.ts";
import type { PoolSpec } from "../../lib/pool/pool.ts";
import type { Target } from "../../lib/pool/target.ts";
import { stateBits } from "../../lib/pool/target_state.ts";
import type { CloseRecord } from "../../lib/session/record.ts";
import { type Counters, countersOf } from "../../lib/shared/counters.ts";
import { allocateMemory, type SharedMemory } from "../../lib/shared/layout.ts";
import { type Shared, sharedViews } from "../../lib/shared/shared.ts";
import { formatAddress, type SocketAddress } from "../../lib/values/address.ts";
import { eventually } from "./eventually.ts";
import { type MemoryAcceptor, MemoryEngine } from "./memory_engine.ts";
import type { MemorySocket } from "./memory_socket.ts";
import { unlimited } from "../../lib/relay/engine.ts";
import { poolSettings } from "./pool_settings.ts";

/** The slots of the process and of the listener `web`. */
export const processSlot = 0;
export const webSlot = 1;

const web: SocketAddress = { kind: "tcp", host: "10.0.0.1", port: 80 };

/** A bind whose key is its address. */
export function bindAt(address: SocketAddress): Bind {
  return { key: formatAddress(address), address, shared: false };
}

/** A data plane without sockets and without threads, whose reports are kept; it has one listener, `web`. */
export class PlaneWorld implements Disposable {
  readonly engine = new MemoryEngine();
  readonly memory: SharedMemory;
  readonly reports: Report[] = [];
  readonly plane: DataPlane;
  readonly shared: Shared;
  readonly #opened = new DisposableStack();

  constructor({ memory = allocateMemory(2) }: { readonly memory?: SharedMemory } = {}) {
    this.memory = memory;
    this.shared = sharedViews(memory);
    const post = (report: Report) => void this.reports.push(report);
    this.plane = new DataPlane({ worker: 0, engine: this.engine, memory, post });
  }

  /** Listens and accepts under a first snapshot, with every target up. */
  start(snapshot: Snapshot): void {
    this.plane.bind([bindAt(web)]);
    this.apply(snapshot);
    this.plane.accept();
  }

  /** Applies a snapshot in which every target is up. */
  apply(snapshot: Snapshot): void {
    for (const pool of snapshot.pools) {
      for (const { slot, weight } of pool.targets) {
        this.shared.targets.set(slot, { state: stateBits.up, weight });
      }
      this.shared.pools.advanceEpoch(pool.slot);
    }
    this.plane.apply(snapshot);
  }

  client(address = web): MemorySocket {
    return this.#opened.use(this.engine.dial(address));
  }

  /** Where a target listens. */
  targetListener(port: number): MemoryAcceptor {
    return this.#opened.use(this.engine.listen(targetAddress(port), { shared: false, onError: () => {} }));
  }

  /** A client and its target, with a byte each way to show that the session is under way. */
  async session(listener: MemoryAcceptor): Promise<{ client: MemorySocket; target: MemorySocket }> {
    const client = this.client();
    const target = await listener.accept();
    if (target === undefined) throw new Error("the target is closed");
    this.#opened.use(target);
    const byte = new Uint8Array(1);
    await client.write(byte);
    await target.read(byte);
    return { client, target };
  }

  get closed(): CloseRecord[] {
    return this.reports.flatMap((report) => report.type === "events" ? report.closed : []);
  }

  get drained(): number {
    return this.reports.filter(({ type }) => type === "drained").length;
  }

  open(slot: number): number {
    return this.shared.permits.taken(slot);
  }

  counters(slot: number): Counters {
    return countersOf(this.memory, slot);
  }

  /** Resolves once nothing is open any more. */
  async quiet(): Promise<void> {
    await eventually("no session is open", () => this.open(processSlot) === 0);
  }

  /** Drains and waits until that is told, which leaves no timer behind. */
  async end(): Promise<void> {
    await this.plane.drain();
    await eventually("drained", () => this.drained > 0);
  }

  [Symbol.dispose](): void {
    this.#opened.dispose();
  }
}

/** Where the target of this port is. */
export function targetAddress(port: number): SocketAddress {
  return { kind: "tcp", host: "10.0.1.1", port };
}

/** A target in the slot 10 more than its port. */
export function targetAt(port: number, traits: Partial<Target> = {}): Target {
  const address = targetAddress(port);
  const fixed = { weight: 1, maxConnections: Infinity, tier: 0 };
  return { name: formatAddress(address), addresses: [address], slot: 10 + port, ...fixed, ...traits };
}

/** Ends a session from both sides. */
export async function finish(
  { client, target }: { client: MemorySocket; target: MemorySocket },
): Promise<void> {
  await Promise.all([client.closeWrite(), target.closeWrite()]);
}

/** A snapshot in which `web` goes to these targets, the first one first. */
export function snapshotOf(
  targets: readonly Target[],
  { pool, listener, ...traits }: Partial<Snapshot> & {
    readonly pool?: Partial<PoolSpec>;
    readonly listener?: Partial<ListenerSpec>;
  } = {},
): Snapshot {
  return {
    revision: 1,
    generation: 1,
    access: "all",
    process: { slot: processSlot, maxConnections: Infinity },
    listeners: [{
      name: "web",
      slot: webSlot,
      binds: [formatAddress(web)],
      pool: "app",
      maxConnections: Infinity,
      connectTimeoutMs: 5_000,
      queueTimeoutMs: 5_000,
      relayLimits: unlimited,
      ...listener,
    }],
    pools: [{ name: "app", slot: 0, algorithm: "first", targets, ...poolSettings, ...pool }],
    ...traits,
  };
}
