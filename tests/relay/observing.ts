import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { payload } from "../support/payload.ts";
import { type Peer, receiveAll, receiveExactly, sendAll } from "../support/peer.ts";
import { type ContractCase, listen, type Relayed, relayedTo, type World } from "./harness.ts";

interface Observed extends Relayed {
  /** How often the first byte was told of by now. */
  firstBytes(): number;
}

async function observed(world: World, before?: (target: Peer) => Promise<void>): Promise<Observed> {
  using acceptor = listen(world);
  let count = 0;
  const observer = { firstByte: () => void count++ };
  const options = { acceptor, listener: world.openTarget(), observer, ...(before && { before }) };
  return { ...await relayedTo(world, options), firstBytes: () => count };
}

/** Has the engine's clock go on beyond `at`. */
async function later(world: World, at: number): Promise<void> {
  await eventually("a later moment", () => world.engine.now() > at + 5);
}

/** Sends some bytes from one peer to the other, and waits until they are there. */
async function pass(from: Peer, to: Peer): Promise<void> {
  await sendAll(from, payload(100, 1));
  await receiveExactly(to, 100);
}

async function finishBoth({ client, target, relay }: Relayed): Promise<void> {
  await Promise.all([client.closeWrite(), target.closeWrite(), receiveAll(client), receiveAll(target)]);
  assert.equal(await relay.ended, "done");
}

/** What a relay tells of its bytes while it goes on. */
export const observing: readonly ContractCase[] = [
  {
    name: "the target's first byte is told once, however much follows",
    async run(world) {
      const session = await observed(world);
      const { client, target } = session;
      await pass(target, client);
      assert.equal(session.firstBytes(), 1);
      await pass(target, client);
      await pass(client, target);
      await finishBoth(session);
      assert.equal(session.firstBytes(), 1);
    },
  },
  {
    name: "a first byte that comes long after the client's is told when it comes, not before",
    async run(world) {
      const session = await observed(world);
      const { client, target } = session;
      await pass(client, target);
      await later(world, world.engine.now());
      await pass(client, target);
      assert.equal(session.firstBytes(), 0);
      await pass(target, client);
      assert.equal(session.firstBytes(), 1);
      await finishBoth(session);
    },
  },
  {
    name: "a first byte that was there before the relay is told",
    async run(world) {
      const session = await observed(world, (target) => sendAll(target, payload(100, 1)));
      await receiveExactly(session.client, 100);
      assert.equal(session.firstBytes(), 1);
      await finishBoth(session);
      assert.equal(session.firstBytes(), 1);
    },
  },
  {
    name: "a target that sends nothing has no first byte to tell of",
    async run(world) {
      const session = await observed(world);
      await pass(session.client, session.target);
      await finishBoth(session);
      assert.equal(session.firstBytes(), 0);
      assert.equal(session.relay.firstByteAt, undefined);
    },
  },
  {
    name: "the last byte is as old as the relay until one moves, and then as the newest, whichever way",
    async run(world) {
      const startedAt = world.engine.now();
      const session = await observed(world);
      const { client, target, relay } = session;
      const beganAt = relay.lastByteAt;
      assert(beganAt >= startedAt && beganAt <= world.engine.now());
      let lastAt = beganAt;
      for (const [from, to] of [[client, target], [target, client]] as const) {
        await later(world, lastAt);
        assert.equal(relay.lastByteAt, lastAt);
        const sentAt = world.engine.now();
        await pass(from, to);
        assert(relay.lastByteAt >= sentAt, "it has not moved");
        assert(relay.lastByteAt <= world.engine.now());
        lastAt = relay.lastByteAt;
      }
      relay.cut();
      assert.equal(await relay.ended, "cut");
      assert.equal(relay.lastByteAt, lastAt);
    },
  },
];
