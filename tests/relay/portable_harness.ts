import { portableEngine } from "../../lib/relay/portable/engine.ts";
import { type Engine } from "../../lib/relay/engine.ts";
import type { SocketAddress } from "../../lib/values/address.ts";
import type { Peer } from "../support/peer.ts";
import type { Ability, Harness, TargetListener, World } from "./harness.ts";
import { eventually } from "../support/eventually.ts";
import { closeWithReset, shrinkBacklog, socketsOnPorts } from "../support/kernel_sockets.ts";

const noReset = "Deno's sockets cannot send an RST";

/** Deno's own sockets, on every kind of address that they know. */
export const portableHarnesses: readonly Harness[] = [
  tcpHarness("127.0.0.1", { engine: portableEngine, lacks: { "engine resets": noReset } }),
  tcpHarness("::1", { engine: portableEngine, lacks: { "engine resets": noReset } }),
  unixHarness({
    engine: portableEngine,
    lacks: { "engine resets": noReset },
  }),
];

/** An engine, which a world disposes with itself where it needs that. */
export type TestedEngine = Engine & Partial<Disposable>;

/** Makes an engine that reports its own faults. */
export type MakeEngine = (options: { readonly onFault: (error: unknown) => void }) => TestedEngine;

/** A harness of real sockets on a host of this machine, for any engine. */
export function tcpHarness(
  host: string,
  { name = "portable", engine, lacks }: {
    name?: string;
    engine: MakeEngine;
    lacks: { readonly [ability in Ability]?: string };
  },
): Harness {
  return {
    name: `${name}, ${host}`,
    lacks,
    addressesOnly: host.includes(":"),
    open: () => Promise.resolve(new TcpWorld(engine, host)),
  };
}

/** A harness of unix sockets in a folder of its own, for any engine. */
export function unixHarness(
  { name = "portable", engine, lacks }: {
    name?: string;
    engine: MakeEngine;
    lacks: { readonly [ability in Ability]?: string };
  },
): Harness {
  return {
    name: `${name}, unix sockets`,
    lacks: {
      "peers reset": "a unix socket knows no RST",
      "silent targets": "a unix socket answers at once, or is refused",
      ...lacks,
    },
    open: async () => new UnixWorld(engine, await Deno.makeTempDir({ prefix: "lb-" })),
  };
}

/** A peer over one of Deno's connections. */
class ConnPeer implements Peer {
  readonly conn: Deno.Conn;
  #closed = false;

  constructor(conn: Deno.Conn) {
    this.conn = conn;
  }

  read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    return this.conn.read(into);
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    return this.conn.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.conn.closeWrite();
  }

  reset(): void {
    resetPeers([this]);
  }

  [Symbol.dispose](): void {
    if (this.markClosed()) this.conn.close();
  }

  /** Whether it is this caller's to close the connection. */
  markClosed(): boolean {
    if (this.#closed) return false;
    return this.#closed = true;
  }
}

function resetPeers(peers: readonly Peer[]): void {
  closeWithReset(
    peers.map((peer) => peer as ConnPeer).filter((peer) => peer.markClosed()).map(({ conn }) => conn),
  );
}

abstract class SocketWorld implements World {
  readonly engine: TestedEngine;
  readonly faults: unknown[] = [];
  protected readonly opened = new DisposableStack();

  constructor(make: MakeEngine) {
    this.engine = make({ onFault: (error) => this.faults.push(error) });
  }

  abstract bindAddress(): SocketAddress;
  abstract dial(address: SocketAddress): Promise<Peer>;
  abstract openTarget(): TargetListener;
  abstract deadAddress(): Promise<SocketAddress>;
  abstract silentAddress(): Promise<SocketAddress>;
  abstract openSockets(): number;

  resetAll(peers: readonly Peer[]): void {
    resetPeers(peers);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.opened.dispose();
    this.engine[Symbol.dispose]?.();
    return Promise.resolve();
  }

  protected peer(conn: Deno.Conn): Peer {
    return this.opened.use(new ConnPeer(conn));
  }

  protected target(listener: Deno.Listener, address: SocketAddress): TargetListener {
    this.opened.use(listener);
    return { address, accept: async () => this.peer(await listener.accept()) };
  }
}

class TcpWorld extends SocketWorld {
  readonly #host: string;
  /** Ports that only sockets of this world have. */
  readonly #ports = new Set<number>();

  constructor(engine: MakeEngine, host: string) {
    super(engine);
    this.#host = host;
  }

  bindAddress(): SocketAddress {
    return { kind: "tcp", host: this.#host, port: 0 };
  }

  async dial(address: SocketAddress): Promise<Peer> {
    if (address.kind !== "tcp") throw new Error("not a TCP address");
    this.#ports.add(address.port);
    return this.peer(await Deno.connect({ hostname: address.host, port: address.port }));
  }

  openTarget(): TargetListener {
    const listener = Deno.listen({ hostname: this.#host, port: 0 });
    this.#ports.add(listener.addr.port);
    return this.target(listener, { kind: "tcp", host: this.#host, port: listener.addr.port });
  }

  async deadAddress(): Promise<SocketAddress> {
    // The local port of a connection is taken, so nobody else comes to listen on it.
    const { address } = this.openTarget();
    const { conn } = await this.dial(address) as ConnPeer;
    return { kind: "tcp", host: this.#host, port: (conn as Deno.TcpConn).localAddr.port };
  }

  async silentAddress(): Promise<SocketAddress> {
    const listener = this.opened.use(Deno.listen({ hostname: this.#host, port: 0 }));
    shrinkBacklog(listener);
    const address: SocketAddress = { kind: "tcp", host: this.#host, port: listener.addr.port };
    await this.dial(address);
    return address;
  }

  openSockets(): number {
    return socketsOnPorts(this.#ports);
  }
}

class UnixWorld extends SocketWorld {
  readonly #folder: string;
  #sockets = 0;

  constructor(engine: MakeEngine, folder: string) {
    super(engine);
    this.#folder = folder;
  }

  bindAddress(): { kind: "unix"; path: string } {
    return { kind: "unix", path: `${this.#folder}/${++this.#sockets}` };
  }

  async dial(address: SocketAddress): Promise<Peer> {
    if (address.kind !== "unix") throw new Error("not a unix address");
    return this.peer(await Deno.connect({ transport: "unix", path: address.path }));
  }

  openTarget(): TargetListener {
    const address = this.bindAddress();
    return this.target(Deno.listen({ transport: "unix", path: address.path }), address);
  }

  async deadAddress(): Promise<SocketAddress> {
    const [address, moved] = [this.bindAddress(), this.bindAddress()];
    const listener = Deno.listen({ transport: "unix", path: address.path });
    // Closing may remove the file, under the name that it was made with.
    await Deno.rename(address.path, moved.path);
    listener.close();
    // A child of another test, between its fork and its exec, has the listener open for some milliseconds more.
    await eventually("the end of a closed listener", () => refuses(moved.path));
    return moved;
  }

  silentAddress(): Promise<SocketAddress> {
    throw new Error("there are none");
  }

  openSockets(): number {
    const rows = Deno.readTextFileSync("/proc/self/net/unix").split("\n");
    return rows.filter((row) => row.includes(`${this.#folder}/`)).length;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function refuses(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return false;
  } catch {
    return true;
  }
}
