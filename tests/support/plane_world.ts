import { allocateMemory, type Counts, countsOf } from "../../lib/dataplane/memory.ts";
import type { Report } from "../../lib/dataplane/messages.ts";
import { DataPlane } from "../../lib/dataplane/plane.ts";
import type { Snapshot } from "../../lib/dataplane/snapshot.ts";
import type { Target } from "../../lib/pool/target.ts";
import { SharedPoolState } from "../../lib/pool/shared.ts";
import type { CloseRecord } from "../../lib/session/record.ts";
import { formatAddress, type SocketAddress } from "../../lib/values/address.ts";
import { eventually } from "./eventually.ts";
import { type MemoryAcceptor, MemoryEngine } from "./memory_engine.ts";
import type { MemorySocket } from "./memory_socket.ts";
import { unlimited } from "./session_world.ts";

/** The slots of the process and of the listener `web`. */
export const processSlot = 0;
export const webSlot = 1;

const web: SocketAddress = { kind: "tcp", host: "10.0.0.1", port: 80 };

/** A data plane without sockets and without threads, whose reports are kept; it has one listener, `web`. */
export class PlaneWorld implements Disposable {
  readonly engine = new MemoryEngine();
  readonly memory = allocateMemory(2);
  readonly reports: Report[] = [];
  readonly plane = new DataPlane({
    worker: 0,
    engine: this.engine,
    memory: this.memory,
    post: (report) => this.reports.push(report),
  });
  readonly #opened = new DisposableStack();

  /** Listens and accepts under a first snapshot. */
  start(snapshot: Snapshot): void {
    this.plane.apply(snapshot);
    this.plane.listen([{ listener: "web", address: web, shared: false }]);
    this.plane.accept();
  }

  client(): MemorySocket {
    return this.#opened.use(this.engine.dial(web));
  }

  /** A place for a target to listen at. */
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
    return new SharedPoolState(this.memory.pools).open(slot);
  }

  counts(slot: number): Counts {
    return countsOf(this.memory, slot);
  }

  /** Resolves once nothing is open any more. */
  async quiet(): Promise<void> {
    await eventually("no session is open", () => this.open(processSlot) === 0);
  }

  /** Drains and waits until that is told, which leaves no timer behind. */
  async end(): Promise<void> {
    this.plane.drain();
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
  const socketAddress = targetAddress(port);
  const fixed = { weight: 1, maxConnections: Infinity, tier: 0, serving: true };
  return { address: formatAddress(socketAddress), socketAddress, slot: 10 + port, ...fixed, ...traits };
}

/** A snapshot in which `web` goes to these targets, the first one first. */
export function snapshotOf(targets: readonly Target[], traits: Partial<Snapshot> = {}): Snapshot {
  return {
    generation: 1,
    access: "all",
    process: { slot: processSlot, maxConnections: Infinity },
    listeners: [{
      name: "web",
      slot: webSlot,
      pool: "app",
      maxConnections: Infinity,
      connectTimeoutMs: 5_000,
      relayLimits: unlimited,
    }],
    pools: [{ name: "app", slot: 0, algorithm: "first", targets, retryAttempts: 3 }],
    ...traits,
  };
}
