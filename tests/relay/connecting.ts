import assert from "node:assert/strict";
import type { Connected, Socket } from "../../lib/relay/engine.ts";
import { formatAddress, type SocketAddress } from "../../lib/values/address.ts";
import { eventually } from "../support/eventually.ts";
import { payload } from "../support/payload.ts";
import { type Peer, receive, receiveExactly, sendAll } from "../support/peer.ts";
import { accepted, type ContractCase, listen, type World } from "./harness.ts";
import { unlimited } from "../../lib/relay/engine.ts";

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

/** Connects to where nobody answers, lets something happen meanwhile, and returns how the attempt ended. */
async function whileConnecting(
  world: World,
  { before, meanwhile, others = [] }: {
    others?: readonly SocketAddress[];
    before?: (client: Peer) => Promise<void>;
    meanwhile: (client: Peer, socket: Socket) => void;
  },
): Promise<string> {
  const address = await world.silentAddress();
  return await withClient(world, async ({ client, socket }) => {
    await before?.(client);
    const connecting = world.engine.connect([address, ...others], { timeoutMs: 30_000, client: socket });
    await roundsOfTheLoop();
    meanwhile(client, socket);
    return failureOf(await connecting);
  });
}

/** Lets what has begun get under way; nothing depends on how far. */
async function roundsOfTheLoop(): Promise<void> {
  let rounds = 0;
  await eventually("some rounds of the event loop", () => ++rounds > 5);
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
    world.engine.connect([address], { timeoutMs: 5_000, client: socket }),
  ]);
  assert(connected.kind === "connected");
  const relay = world.engine.relay(socket, connected.socket, unlimited);
  assert.deepEqual(await receiveExactly(target, 6_000), payload(6_000, 1));
  assert.equal(relay.receivedBytes, 6_000);
  relay.cut();
  await relay.ended;
}

/** Connects to several addresses, of which the last is a target, and returns which of them it was. */
async function connectsAtLast(
  world: World,
  before: readonly SocketAddress[],
  timeoutMs: number,
): Promise<number | string> {
  const listener = world.openTarget();
  return await withClient(world, async ({ socket }) => {
    const connected = await world.engine.connect([...before, listener.address], {
      timeoutMs,
      client: socket,
    });
    if (connected.kind === "failed") return connected.failure;
    using _socket = connected.socket;
    await listener.accept();
    return connected.index;
  });
}

/** The failure of an attempt to connect to these addresses, and its words. */
async function failing(
  world: World,
  addresses: readonly SocketAddress[],
  timeoutMs = 5_000,
): Promise<readonly [failure: string, detail: string]> {
  return await withClient(world, async ({ socket }) => {
    const connected = await world.engine.connect(addresses, { timeoutMs, client: socket });
    return connected.kind === "failed" ? [connected.failure, connected.detail] : [failureOf(connected), ""];
  });
}

/** How every engine treats a target that has several addresses, or none. */
const severalAddresses: readonly ContractCase[] = [
  {
    name: "a target whose first addresses refuse is reached at the next one, and the answer says which",
    async run(world) {
      const dead = [await world.deadAddress(), await world.deadAddress()];
      assert.equal(await connectsAtLast(world, dead, 5_000), 2);
    },
  },
  {
    name: "an address that never answers does not use up the time of the next one",
    needs: "silent targets",
    async run(world) {
      assert.equal(await connectsAtLast(world, [await world.silentAddress()], 1_000), 1);
    },
  },
  {
    name: "a target that refuses at every address is refused, and the words name each of them",
    async run(world) {
      const dead = [await world.deadAddress(), await world.deadAddress()];
      const [failure, detail] = await failing(world, dead);
      assert.equal(failure, "refused");
      assert.equal(detail, dead.map((address) => `${formatAddress(address)}: connection refused`).join("; "));
    },
  },
  {
    name: "a target that refuses at one address and is silent at another is refused within the one time",
    needs: "silent targets",
    async run(world) {
      const [dead, silent] = [await world.deadAddress(), await world.silentAddress()];
      const [failure, detail] = await failing(world, [silent, dead], 100);
      assert.equal(failure, "refused");
      assert.match(detail, /: no answer in time; .*: connection refused$/);
    },
  },
  {
    name: "a client that leaves while the first address is tried ends the attempt, and no other is tried",
    needs: "silent targets",
    async run(world) {
      const listener = world.openTarget();
      const failure = await whileConnecting(world, {
        others: [listener.address],
        meanwhile: (client) => client.reset(),
      });
      assert.equal(failure, "client_gone");
    },
  },
  {
    name: "a target without an address is unreachable",
    async run(world) {
      assert.deepEqual(await failing(world, []), ["unreachable", "no address"]);
    },
  },
  {
    name: "a host name is not looked up, neither to connect nor to listen",
    async run(world) {
      const name: SocketAddress = { kind: "tcp", host: "localhost", port: 80 };
      const words = "localhost:80 is a host name, not an IP address";
      assert.deepEqual(await failing(world, [name]), ["unreachable", words]);
      const listening = () => world.engine.listen(name, { shared: false, onError: () => {} });
      assert.throws(listening, new TypeError(words));
    },
  },
];

/** How every engine answers attempts to connect. */
export const connecting: readonly ContractCase[] = [
  ...severalAddresses,
  {
    name: "connecting to where nobody listens is refused",
    run: (world) =>
      withClient(world, async ({ socket }) => {
        const address = await world.deadAddress();
        const connected = await world.engine.connect([address], { timeoutMs: 5_000, client: socket });
        assert(connected.kind === "failed");
        assert.deepEqual([connected.failure, connected.detail], ["refused", "connection refused"]);
      }),
  },
  {
    name: "connecting to where nobody answers times out",
    needs: "silent targets",
    async run(world) {
      const address = await world.silentAddress();
      await withClient(world, async ({ socket }) => {
        const connected = await world.engine.connect([address], { timeoutMs: 50, client: socket });
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
        const connected = await world.engine.connect([address], { timeoutMs: 2_000, client: socket });
        assert.equal(failureOf(connected), "client_gone");
        await receive(client);
      });
    },
  },
];
