import { times } from "../support/soak.ts";
import assert from "node:assert/strict";
import type { Acceptor } from "../../lib/relay/engine.ts";
import { receive } from "../support/peer.ts";
import { accepted, type ContractCase, listen, type World } from "./harness.ts";

/** Takes every client and sends it away, until the acceptor is closed. */
async function sendAway(acceptor: Acceptor): Promise<number> {
  for (let clients = 0;; clients++) {
    const socket = await acceptor.accept();
    if (socket === undefined) return clients;
    socket[Symbol.dispose]();
  }
}

/** Has so many clients reset before anyone accepts them, then one that stays, and waits until that one had its turn. */
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

/** How every engine's listener behaves. */
export const accepting: readonly ContractCase[] = [
  {
    name: "a listener tells the address in fact bound",
    async run(world) {
      using acceptor = listen(world);
      if (acceptor.address.kind === "tcp") assert.notEqual(acceptor.address.port, 0);
      const { socket } = await accepted(world, acceptor);
      socket[Symbol.dispose]();
    },
  },
  {
    name: "a client's socket tells where it comes from, the host alone too",
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
      assert.throws(again, Deno.errors.AddrInUse);
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
    needs: "addresses free at once",
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
