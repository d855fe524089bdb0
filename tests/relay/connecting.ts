import assert from "node:assert/strict";
import type { Connected, Socket } from "../../lib/relay/engine.ts";
import type { SocketAddress } from "../../lib/values/address.ts";
import { eventually } from "../support/eventually.ts";
import { payload } from "../support/payload.ts";
import { type Peer, receive, receiveExactly, sendAll } from "../support/peer.ts";
import { accepted, type ContractCase, listen, unlimited, type World } from "./harness.ts";

async function withClient<T>(
  world: World,
  use: (client: { client: Peer; socket: Socket }) => Promise<T>,
): Promise<T> {
  using acceptor = listen(world);
  const both = await accepted(world, acceptor);
  using _socket = both.socket;
  return await use(both);
}

/** The failure, or the word for none. */
function failureOf(connected: Connected): string {
  if (connected.kind === "failed") return connected.failure;
  connected.socket[Symbol.dispose]();
  return "connected";
}

/** Connects to where nobody answers, lets something happen meanwhile, and tells how the attempt ended. */
async function whileConnecting(
  world: World,
  { before, meanwhile }: {
    before?: (client: Peer) => Promise<void>;
    meanwhile: (client: Peer, socket: Socket) => void;
  },
): Promise<string> {
  const address = await world.silentAddress();
  return await withClient(world, async ({ client, socket }) => {
    await before?.(client);
    const connecting = world.engine.connect(address, { timeoutMs: 30_000, client: socket });
    await turnsOfTheLoop();
    meanwhile(client, socket);
    return failureOf(await connecting);
  });
}

/** Lets what has begun get under way; nothing depends on how far. */
async function turnsOfTheLoop(): Promise<void> {
  let turns = 0;
  await eventually("some turns", () => ++turns > 5);
}

/** A client that speaks before its target is connected, and gets its answer. */
async function earlyBytesArrive(
  world: World,
  address: SocketAddress,
  accept: () => Promise<Peer>,
): Promise<void> {
  using acceptor = listen(world);
  const { client, socket } = await accepted(world, acceptor);
  await sendAll(client, payload(6_000, 1));
  const [target, connected] = await Promise.all([
    accept(),
    world.engine.connect(address, { timeoutMs: 5_000, client: socket }),
  ]);
  assert(connected.kind === "connected");
  const relay = world.engine.relay(socket, connected.socket, unlimited);
  assert.deepEqual(await receiveExactly(target, 6_000), payload(6_000, 1));
  assert.equal(relay.receivedBytes, 6_000);
  relay.cut();
  await relay.ended;
}

/** How every engine answers attempts to connect. */
export const connecting: readonly ContractCase[] = [
  {
    name: "connecting to where nobody listens is refused",
    run: (world) =>
      withClient(world, async ({ socket }) => {
        const address = await world.deadAddress();
        const connected = await world.engine.connect(address, { timeoutMs: 5_000, client: socket });
        assert.equal(failureOf(connected), "refused");
      }),
  },
  {
    name: "connecting to where nobody answers times out",
    needs: "silent targets",
    async run(world) {
      const address = await world.silentAddress();
      await withClient(world, async ({ socket }) => {
        const connected = await world.engine.connect(address, { timeoutMs: 50, client: socket });
        assert.equal(failureOf(connected), "timeout");
      });
    },
  },
  {
    name: "what a client says before its target is connected arrives first",
    async run(world) {
      const listener = world.openTarget();
      await earlyBytesArrive(world, listener.address, () => listener.accept());
    },
  },
  {
    name: "a client that resets while connecting ends the attempt",
    needs: "silent targets",
    run: async (world) =>
      assert.equal(await whileConnecting(world, { meanwhile: (client) => client.reset() }), "client_gone"),
  },
  {
    name: "a client that is reset by us while connecting ends the attempt",
    needs: "silent targets",
    async run(world) {
      const failure = await whileConnecting(world, { meanwhile: (_, socket) => socket.reset() });
      assert.equal(failure, "client_gone");
    },
  },
  {
    name: "a client that has spoken and then resets while connecting ends the attempt",
    needs: "silent targets",
    async run(world) {
      const failure = await whileConnecting(world, {
        before: (client) => sendAll(client, payload(100, 2)),
        meanwhile: (client) => client.reset(),
      });
      assert.equal(failure, "client_gone");
    },
  },
  {
    name: "a client that has spoken and is reset by us while connecting ends the attempt",
    needs: "silent targets",
    async run(world) {
      const failure = await whileConnecting(world, {
        before: (client) => sendAll(client, payload(100, 3)),
        meanwhile: (_, socket) => socket.reset(),
      });
      assert.equal(failure, "client_gone");
    },
  },
  {
    name: "a client that is gone before the attempt begins ends it",
    needs: "silent targets",
    async run(world) {
      const address = await world.silentAddress();
      await withClient(world, async ({ client, socket }) => {
        socket.reset();
        const connected = await world.engine.connect(address, { timeoutMs: 2_000, client: socket });
        assert.equal(failureOf(connected), "client_gone");
        await receive(client);
      });
    },
  },
];
