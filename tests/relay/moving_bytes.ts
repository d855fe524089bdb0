import assert from "node:assert/strict";
import { payload, seeded } from "../support/payload.ts";
import {
  assertSameBytes,
  type Peer,
  receiveAll,
  receiveExactly,
  sendAll,
  sendAndFinish,
} from "../support/peer.ts";
import { type ContractCase, relayed, type World } from "./harness.ts";

const mib = 1024 * 1024;
const sizes = [0, 1, 4_095, 4_096, 4_097, 65_536, 10 * mib];

async function equalBothWays(world: World, size: number): Promise<void> {
  const { client, target, relay } = await relayed(world);
  const [up, down] = [payload(size, 1), payload(size, 2)];
  const [atTarget, atClient] = await Promise.all([
    receiveAll(target),
    receiveAll(client),
    sendAndFinish(client, up, seeded(3)),
    sendAndFinish(target, down, seeded(4)),
  ]);
  assertSameBytes(atTarget, up);
  assertSameBytes(atClient, down);
  assert.equal(await relay.ended, "done");
  assert.deepEqual([relay.receivedBytes, relay.sentBytes], [size, size]);
}

/** One side finishes, and only when the other has seen all of it does it send its own. */
async function oneAfterTheOther(first: Peer, second: Peer): Promise<void> {
  const [question, answer] = [payload(10 * mib, 5), payload(mib, 6)];
  const [received] = await Promise.all([receiveAll(second), sendAndFinish(first, question)]);
  assertSameBytes(received, question);
  const [answered] = await Promise.all([receiveAll(first), sendAndFinish(second, answer)]);
  assertSameBytes(answered, answer);
}

/** What every engine does with bytes, and with the end of them. */
export const movingBytes: readonly ContractCase[] = [
  ...sizes.map((size): ContractCase => ({
    name: `${size} bytes each way arrive as they were sent`,
    run: (world) => equalBothWays(world, size),
  })),
  {
    name: "a client that half-closes first still gets the whole answer",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      await oneAfterTheOther(client, target);
      assert.equal(await relay.ended, "done");
    },
  },
  {
    name: "a target that half-closes first still gets the whole upload",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      await oneAfterTheOther(target, client);
      assert.equal(await relay.ended, "done");
    },
  },
  {
    name: "two sides that finish at once end the session",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      await Promise.all([client.closeWrite(), target.closeWrite()]);
      assert.equal(await relay.ended, "done");
      assert.deepEqual([await receiveAll(client), await receiveAll(target)], [
        new Uint8Array(),
        new Uint8Array(),
      ]);
    },
  },
  {
    name: "the figures are exact while the session goes on",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      assert.deepEqual([relay.receivedBytes, relay.sentBytes, relay.firstByteAt], [0, 0, undefined]);
      await sendAll(client, payload(5_000, 7));
      await receiveExactly(target, 5_000);
      assert.deepEqual([relay.receivedBytes, relay.sentBytes, relay.firstByteAt], [5_000, 0, undefined]);
      const before = performance.now();
      await sendAll(target, payload(700, 8));
      await receiveExactly(client, 700);
      const { firstByteAt = NaN } = relay;
      assert(before <= firstByteAt && firstByteAt <= performance.now());
      await sendAll(target, payload(300, 9));
      await receiveExactly(client, 300);
      await Promise.all([client.closeWrite(), target.closeWrite()]);
      assert.equal(await relay.ended, "done");
      assert.deepEqual([relay.receivedBytes, relay.sentBytes, relay.firstByteAt], [
        5_000,
        1_000,
        firstByteAt,
      ]);
    },
  },
];
