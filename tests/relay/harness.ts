import type { Acceptor, Engine, Relay, RelayLimits, RelayObserver, Socket } from "../../lib/relay/engine.ts";
import type { SocketAddress } from "../../lib/values/address.ts";
import type { Peer } from "../support/peer.ts";
import { unlimited } from "../../lib/relay/engine.ts";

/** What not every engine, or not every kind of address, can do. */
export type Ability =
  /** The engine can end a connection with an RST. */
  | "engine resets"
  /** The test's peers can. */
  | "peers reset"
  /** There are targets that never answer. */
  | "silent targets";

/** An engine and a world around it to test it in. */
export interface Harness {
  readonly name: string;
  /** Why the cases that need an ability are skipped. */
  readonly lacks: { readonly [ability in Ability]?: string };
  /** The same sockets as another harness under another kind of address: only what that changes is tested. */
  readonly addressesOnly?: boolean;
  open(): Promise<World>;
}

/** A world for one test. Disposing closes every peer and listener that it made. */
export interface World extends AsyncDisposable {
  readonly engine: Engine;
  /** What the engine has reported of its own faults; a case that means them takes them out. */
  readonly faults: unknown[];
  /** An address for `engine.listen` that is free. */
  bindAddress(): SocketAddress;
  dial(address: SocketAddress): Promise<Peer>;
  openTarget(): TargetListener;
  /** Where nobody listens. */
  deadAddress(): Promise<SocketAddress>;
  /** Where connecting neither succeeds nor fails. */
  silentAddress(): Promise<SocketAddress>;
  /** Resets many peers at once, which costs little more than one. */
  resetAll(peers: readonly Peer[]): void;
  /** Sockets that exist between this world and its engine. */
  openSockets(): number;
}

/** Accepts connections as a target; its world closes it. */
export interface TargetListener {
  readonly address: SocketAddress;
  accept(): Promise<Peer>;
}

/** One case of the contract. */
export interface ContractCase {
  /** A sentence about an engine. */
  readonly name: string;
  readonly needs?: Ability;
  run(world: World): Promise<void>;
}

/** A relay with both its peers. */
export interface Relayed {
  readonly client: Peer;
  readonly target: Peer;
  readonly relay: Relay;
}

/** Listens with the engine on a free address. */
export function listen(world: World): Acceptor {
  return world.engine.listen(world.bindAddress(), { shared: false, onError: () => {} });
}

/** A client of the engine, both ends of it. */
export async function accepted(world: World, acceptor: Acceptor): Promise<{ client: Peer; socket: Socket }> {
  const [client, socket] = await Promise.all([world.dial(acceptor.address), acceptor.accept()]);
  if (socket === undefined) throw new Error("the acceptor is closed");
  return { client, socket };
}

/** A world with a listener and a target, in which sessions can be made one after the other. */
export async function relayed(world: World, limits: Partial<RelayLimits> = {}): Promise<Relayed> {
  using acceptor = listen(world);
  return await relayedTo(world, { acceptor, listener: world.openTarget(), limits });
}

/** The same between a listener and a target that there are already. */
export async function relayedTo(
  world: World,
  { acceptor, listener, limits, observer, before }: {
    acceptor: Acceptor;
    listener: TargetListener;
    limits?: Partial<RelayLimits>;
    observer?: RelayObserver;
    /** Has the target's end for itself once it has accepted, before the relay. */
    before?: (target: Peer) => Promise<void>;
  },
): Promise<Relayed> {
  const { client, socket } = await accepted(world, acceptor);
  const [target, connected] = await Promise.all([
    listener.accept(),
    world.engine.connect([listener.address], { timeoutMs: 5_000, client: socket }),
  ]);
  if (connected.kind === "failed") throw new Error(`cannot connect to the target: ${connected.detail}`);
  await before?.(target);
  const relay = world.engine.relay(socket, connected.socket, { ...unlimited, ...limits }, observer);
  return { client, target, relay };
}

/** A relay from a client that was accepted already; `before` has the target's socket for itself first. */
export async function relayAccepted(
  world: World,
  socket: Socket,
  before?: (target: Socket) => Promise<void>,
): Promise<Omit<Relayed, "client">> {
  const listener = world.openTarget();
  const [target, connected] = await Promise.all([
    listener.accept(),
    world.engine.connect([listener.address], { timeoutMs: 5_000, client: socket }),
  ]);
  if (connected.kind === "failed") throw new Error(`cannot connect to the target: ${connected.detail}`);
  await before?.(connected.socket);
  return { target, relay: world.engine.relay(socket, connected.socket, unlimited) };
}
