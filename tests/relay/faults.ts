import assert from "node:assert/strict";
import { eventually, within } from "../support/eventually.ts";
import { payload } from "../support/payload.ts";
import { receive, receiveExactly, sendAll } from "../support/peer.ts";
import { type ContractCase, listen, type Relayed, relayed, relayedTo, type World } from "./harness.ts";

const broken = new Error("a fault of the program");

/** Takes out what the engine has reported of the fault. */
async function reported(world: World): Promise<unknown[]> {
  await eventually("a report", () => world.faults.length > 0);
  return world.faults.splice(0);
}

async function stillServes({ client, target }: Relayed): Promise<void> {
  for (const [from, to] of [[client, target], [target, client]] as const) {
    await sendAll(from, payload(1_000, 1));
    await receiveExactly(to, 1_000);
  }
}

/** What a fault in the program costs: the session that it is in, and no other. */
export const faults: readonly ContractCase[] = [
  {
    name: "an observer that throws ends its own relay, which closes both connections, and no other",
    async run(world) {
      const other = await relayed(world);
      using acceptor = listen(world);
      const { client, target, relay } = await relayedTo(world, {
        acceptor,
        listener: world.openTarget(),
        observer: {
          firstByte() {
            throw broken;
          },
        },
      });
      await sendAll(target, payload(1, 1));
      assert.equal(await within("the end of the relay", relay.ended), "cut");
      await within("the end of both connections", Promise.all([receive(client), receive(target)]));
      assert.deepEqual(await reported(world), [broken]);
      await stillServes(other);
      other.relay.cut();
      await other.relay.ended;
    },
  },
  {
    name: "a timer whose callback throws is reported, and others are called",
    async run(world) {
      const { engine } = world;
      engine.after(5, () => {
        throw broken;
      });
      await within("the other timer", new Promise<void>((resolve) => engine.after(10, resolve)));
      assert.deepEqual(await reported(world), [broken]);
    },
  },
  {
    name: "a callback for what is settled that throws is reported, and others are called",
    async run(world) {
      const { engine } = world;
      engine.whenSettled(() => {
        throw broken;
      });
      await within("the other callback", new Promise<void>((resolve) => engine.whenSettled(resolve)));
      assert.deepEqual(await reported(world), [broken]);
    },
  },
];
