import { times } from "../support/soak.ts";
import assert from "node:assert/strict";
import type { Acceptor, Socket } from "../../lib/relay/engine.ts";
import { within } from "../support/eventually.ts";
import { type Peer, receive, sendAll } from "../support/peer.ts";
import { accepted, type ContractCase, listen, type World } from "./harness.ts";

/** Takes every client and sends it away, until the acceptor is closed. */
async function sendAway(acceptor: Acceptor): Promise<number> {
  for (let clients = 0;; clients++) {
    const socket = await acceptor.accept();
    if (socket === undefined) return clients;
    socket[Symbol.dispose]();
  }
}

/** Has so many clients reset before anyone accepts them, then one that stays, and waits until that one was served. */
async function burst(world: World, resets: number): Promise<void> {
  const acceptor = listen(world);
  const peers = await Promise.all(Array.from({ length: resets }, () => world.dial(acceptor.address)));
  world.resetAll(peers);
  const staying = await world.dial(acceptor.address);
  const accepting = sendAway(acceptor);
  assert.equal((await receive(staying)).bytes.length, 0);
  acceptor[Symbol.dispose]();
  assert(await accepting >= 1);
}

/** Takes clients until the acceptor answers undefined. */
async function takeAll(acceptor: Acceptor): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (;;) {
    const socket = await acceptor.accept();
    if (socket === undefined) return sockets;
    sockets.push(socket);
  }
}

/** So many clients that have connected, and whom nobody has accepted; each says its number. */
async function queueUp(world: World, acceptor: Acceptor, count: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (let number = 0; number < count; number++) {
    const peer = await world.dial(acceptor.address);
    await sendAll(peer, Uint8Array.of(number));
    peers.push(peer);
  }
  return peers;
}

/** The numbers that these clients say. */
async function numbersOf(sockets: readonly Socket[]): Promise<number[]> {
  const numbers = await Promise.all(sockets.map(async (socket) => {
    const peeked = await socket.peek({ minBytes: 1, timeoutMs: 20_000 });
    assert(peeked.kind === "bytes");
    return peeked.bytes[0]!;
  }));
  return numbers.sort((a, b) => a - b);
}

const clientsInQueue = 50;
const everyNumber = Array.from({ length: clientsInQueue }, (_, number) => number);

/** How a listener that goes away treats those who wait in its queue. */
const draining: readonly ContractCase[] = [
  {
    name:
      `a listener that is drained hands out all ${clientsInQueue} clients in its queue before it answers undefined`,
    async run(world) {
      using acceptor = listen(world);
      const waiting = acceptor.accept();
      await queueUp(world, acceptor, clientsInQueue);
      const draining = within("the listener is closed", acceptor.drain());
      const sockets = [...await takeAll(acceptor), (await waiting)!];
      await draining;
      assert.deepEqual(await numbersOf(sockets), everyNumber);
      assert.equal(await acceptor.accept(), undefined);
      for (const socket of sockets) socket[Symbol.dispose]();
    },
  },
  {
    name: "a listener that is drained before anybody asks hands out its clients later, and takes no new ones",
    async run(world) {
      using acceptor = listen(world);
      const peers = await queueUp(world, acceptor, 3);
      await within("the listener is closed", acceptor.drain());
      await assert.rejects(async () => await world.dial(acceptor.address));
      const sockets = await takeAll(acceptor);
      assert.deepEqual(await numbersOf(sockets), [0, 1, 2]);
      for (const socket of sockets) socket[Symbol.dispose]();
      for (const peer of peers) assert.equal((await receive(peer)).bytes.length, 0);
    },
  },
  {
    name: "closing a listener that was drained ends the clients whom nobody has asked for",
    async run(world) {
      const acceptor = listen(world);
      const [peer] = await queueUp(world, acceptor, 1);
      await within("the listener is closed", acceptor.drain());
      acceptor[Symbol.dispose]();
      assert.equal((await receive(peer!)).bytes.length, 0);
      assert.equal(await acceptor.accept(), undefined);
      await within("draining what is closed", acceptor.drain());
    },
  },
  {
    name: "an accept that waits on a listener that is drained with an empty queue answers undefined",
    async run(world) {
      using acceptor = listen(world);
      const waiting = acceptor.accept();
      await within("the listener is closed", acceptor.drain());
      assert.equal(await waiting, undefined);
    },
  },
  {
    name: "an address can be listened on again once its listener is drained",
    async run(world) {
      using first = listen(world);
      await within("the listener is closed", first.drain());
      using again = world.engine.listen(first.address, { shared: false, onError: () => {} });
      assert.deepEqual(again.address, first.address);
    },
  },
];

/** How every engine's listener behaves. */
export const accepting: readonly ContractCase[] = [
  ...draining,
  {
    name: "a listener has the address in fact bound",
    async run(world) {
      using acceptor = listen(world);
      if (acceptor.address.kind === "tcp") assert.notEqual(acceptor.address.port, 0);
      const { socket } = await accepted(world, acceptor);
      socket[Symbol.dispose]();
    },
  },
  {
    name: "a client's socket says where it comes from, the host alone too",
    async run(world) {
      using acceptor = listen(world);
      using socket = (await accepted(world, acceptor)).socket;
      const { remote, remoteHost } = socket;
      if (acceptor.address.kind === "unix") return assert.deepEqual([remote, remoteHost], ["unix:", "unix:"]);
      const written = remoteHost.includes(":") ? `[${remoteHost}]` : remoteHost;
      assert.match(remote.slice(written.length), /^:[1-9]\d*$/);
      assert.equal(remote.slice(0, written.length), written);
    },
  },
  {
    name: "an address that is taken is an error that listen throws",
    run(world) {
      using acceptor = listen(world);
      const again = () => world.engine.listen(acceptor.address, { shared: false, onError: () => {} });
      assert.throws(again, new Deno.errors.AddrInUse("address in use"));
      return Promise.resolve();
    },
  },
  {
    name: "an accept that waits, and every later one, answers undefined once the listener is closed",
    async run(world) {
      const acceptor = listen(world);
      const waiting = acceptor.accept();
      acceptor[Symbol.dispose]();
      assert.deepEqual([await waiting, await acceptor.accept()], [undefined, undefined]);
    },
  },
  {
    name: "closing a listener or a socket twice is harmless",
    async run(world) {
      const acceptor = listen(world);
      const { client, socket } = await accepted(world, acceptor);
      for (const closed of [acceptor, acceptor, socket, socket]) closed[Symbol.dispose]();
      socket.reset();
      assert.equal((await receive(client)).bytes.length, 0);
    },
  },
  {
    name: "an address can be listened on again once its listener is closed",
    async run(world) {
      const first = listen(world);
      first[Symbol.dispose]();
      await first.accept();
      using again = world.engine.listen(first.address, { shared: false, onError: () => {} });
      assert.deepEqual(again.address, first.address);
    },
  },
  {
    name: "clients that reset before they are accepted do not keep the next one out",
    needs: "peers reset",
    async run(world) {
      // In rounds, because a queue of connections that wait is short in some versions of Deno.
      for (let round = 0; round < times({ short: 4, long: 100 }); round++) await burst(world, 100);
    },
  },
];
