import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { payload } from "../support/payload.ts";
import { assertSameBytes, type Peer, receiveAll, sendAndFinish, sendUntilEnd } from "../support/peer.ts";
import { type ContractCase, relayed } from "./harness.ts";

const mib = 1024 * 1024;
const offeredBytes = 256 * mib;
/** What the kernel's buffers of two connections may hold; whoever gets rid of more has a relay that hoards. */
const maxTakenBytes = 32 * mib;

/** How much a sender gets rid of to a receiver that reads nothing, until the session ends by the stall limit. */
async function takenUntilStalled(sender: Peer, ended: Promise<string>): Promise<number> {
  const [taken, end] = await Promise.all([sendUntilEnd(sender, offeredBytes), ended]);
  assert.equal(end, "stalled");
  return taken;
}

/** Resolves once a figure above zero has been the same for a number of looks in a row. */
async function standsStill(figure: () => number): Promise<void> {
  let [last, looks] = [0, 0];
  await eventually("the figure stands still", () => {
    looks = figure() === last && last > 0 ? looks + 1 : 0;
    last = figure();
    return looks === 20;
  });
}

/** A receiver that takes nothing stops its sender and nobody else. */
export const fullReceivers: readonly ContractCase[] = [
  {
    name: "a target that reads nothing stops the client, and the stall limit ends the session",
    async run(world) {
      const { client, target, relay } = await relayed(world, { stallMs: 200 });
      using _target = target;
      const taken = await takenUntilStalled(client, relay.ended);
      assert(taken < maxTakenBytes, `${taken} bytes were taken`);
    },
  },
  {
    name: "a client that reads nothing stops the target, and the stall limit ends the session",
    async run(world) {
      const { client, target, relay } = await relayed(world, { stallMs: 200 });
      using _client = client;
      const taken = await takenUntilStalled(target, relay.ended);
      assert(taken < maxTakenBytes, `${taken} bytes were taken`);
    },
  },
  {
    name: "a direction that is stopped does not stop the other one",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      const upload = sendUntilEnd(client, offeredBytes);
      const answer = payload(4 * mib, 1);
      const [arrived] = await Promise.all([receiveAll(client), sendAndFinish(target, answer)]);
      assertSameBytes(arrived, answer);
      relay.cut();
      assert.equal(await relay.ended, "cut");
      target[Symbol.dispose]();
      await upload;
    },
  },
  {
    name: "a receiver that reads after a long stop gets every byte",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      const upload = payload(24 * mib, 2);
      const sending = sendAndFinish(client, upload);
      await standsStill(() => relay.receivedBytes);
      const [atTarget] = await Promise.all([receiveAll(target), sending]);
      assertSameBytes(atTarget, upload);
      await Promise.all([receiveAll(client), sendAndFinish(target, payload(1, 3))]);
      assert.equal(await relay.ended, "done");
    },
  },
];
