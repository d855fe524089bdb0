import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { payload } from "../support/payload.ts";
import { assertPrefix, assertSameBytes, receive, receiveAll, receiveExactly } from "../support/peer.ts";
import { sendAll, sendAndFinish, sendUntilEnd } from "../support/peer.ts";
import { type ContractCase, relayed, type World } from "./harness.ts";

const mib = 1024 * 1024;

/** Sends part of an answer, resets, and returns how the client saw it. */
async function targetResets(world: World): Promise<"eof" | "reset"> {
  const { client, target, relay } = await relayed(world);
  const answer = payload(200_000, 1);
  const sending = sendAll(target, answer).catch(() => {});
  await eventually("the client is sent something", () => relay.sentBytes > 0);
  target.reset();
  const { bytes, end } = await receive(client);
  await sending;
  assertPrefix(bytes, answer);
  assert.equal(await relay.ended, "server_reset");
  return end;
}

async function clientResets(world: World): Promise<"eof" | "reset"> {
  const { client, target, relay } = await relayed(world);
  const upload = payload(4 * mib, 2);
  const sending = sendAll(client, upload).catch(() => {});
  const start = await receiveExactly(target, 100_000);
  client.reset();
  const { bytes, end } = await receive(target);
  await sending;
  assertPrefix(start, upload);
  assertPrefix(bytes, upload.subarray(start.length));
  assert.equal(await relay.ended, "client_reset");
  return end;
}

/** How a session ends when a peer cuts its connection. */
const resets: readonly ContractCase[] = [
  {
    name: "a client's reset ends the session as client_reset, and the target's connection",
    needs: "peers reset",
    run: async (world) => void await clientResets(world),
  },
  {
    name: "a client's reset reaches the target as a reset, never as a clean end",
    needs: "engine resets",
    run: async (world) => assert.equal(await clientResets(world), "reset"),
  },
  {
    name: "a target's reset ends the session as server_reset, and what arrived is how the answer begins",
    needs: "peers reset",
    run: async (world) => void await targetResets(world),
  },
  {
    name: "a target's reset reaches the client as a reset, never as a clean end",
    needs: "engine resets",
    run: async (world) => assert.equal(await targetResets(world), "reset"),
  },
  {
    name: "a reset of a client that says nothing is noticed",
    needs: "peers reset",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      client.reset();
      assert.equal(await relay.ended, "client_reset");
      assert.equal((await receive(target)).bytes.length, 0);
    },
  },
  {
    name: "a target that resets after the client has finished is a server_reset",
    needs: "peers reset",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      await sendAndFinish(client, payload(10, 3));
      await receiveAll(target);
      target.reset();
      assert.equal(await relay.ended, "server_reset");
      assert.equal((await receive(client)).bytes.length, 0);
    },
  },
];

const closes: readonly ContractCase[] = [
  {
    // On the wire a close on unread input is an RST; Deno's own close would send a FIN ahead of it.
    name: "a client that closes with an unread answer is a client_reset, and the target's connection ends",
    needs: "peers reset",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      await sendAll(target, payload(10_000, 4));
      await eventually("the answer is with the client", () => relay.sentBytes === 10_000);
      client.reset();
      assert.equal(await relay.ended, "client_reset");
      await receive(target);
    },
  },
  {
    name: "a client that closes before its answer comes is a client_reset, however politely it left",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      client[Symbol.dispose]();
      await receiveAll(target);
      await sendAndFinish(target, payload(mib, 9));
      assert.equal(await relay.ended, "client_reset");
    },
  },
  {
    name: "a target that finishes while the client still uploads has its whole answer delivered",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      const upload = sendUntilEnd(client, 64 * mib);
      const answer = payload(2_000_000, 5);
      const [arrived] = await Promise.all([receiveAll(client), sendAndFinish(target, answer)]);
      assertSameBytes(arrived, answer);
      target[Symbol.dispose]();
      await upload;
      await client.closeWrite().catch(() => {});
      await relay.ended;
    },
  },
  {
    name: "a target that has closed while the client still uploads has its whole answer delivered",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      const answer = payload(2_000_000, 6);
      const sending = sendAll(target, answer).then(() => target[Symbol.dispose]());
      const parts: Uint8Array<ArrayBuffer>[] = [];
      // Read no further than the engine needs to have it all, so that the upload comes while bytes still wait.
      for (let at = 0; relay.sentBytes < answer.length; at += 4_096) {
        parts.push(await receiveExactly(client, Math.min(4_096, answer.length - at)));
      }
      await sending;
      await sendAll(client, payload(mib, 7));
      const read = parts.reduce((sum, { length }) => sum + length, 0);
      assertSameBytes(await receiveAll(client), answer.subarray(read));
      parts.reduce(
        (at, part) => (assertSameBytes(part, answer.subarray(at, at + part.length)), at + part.length),
        0,
      );
      client[Symbol.dispose]();
      assert.equal(await relay.ended, "done");
    },
  },
  {
    name: "a client that closes after it has everything ends the session as done",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      await sendAndFinish(target, payload(1_000, 8));
      await receiveAll(client);
      client[Symbol.dispose]();
      assert.equal((await receiveAll(target)).length, 0);
      assert.equal(await relay.ended, "done");
    },
  },
];

const cuts: readonly ContractCase[] = [
  {
    name: "a cut session ends both connections and says so",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      relay.cut();
      assert.equal(await relay.ended, "cut");
      assert.equal((await receive(client)).bytes.length, 0);
      assert.equal((await receive(target)).bytes.length, 0);
    },
  },
  {
    name: "both peers see a cut session as reset",
    needs: "engine resets",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      relay.cut();
      assert.deepEqual([(await receive(client)).end, (await receive(target)).end], ["reset", "reset"]);
    },
  },
  {
    name: "a cut in the middle of a transfer ends it",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      const upload = sendUntilEnd(client, 256 * mib);
      await receiveExactly(target, 100_000);
      relay.cut();
      assert.equal(await relay.ended, "cut");
      await Promise.all([upload, receive(target)]);
      assert.equal(await relay.ended, "cut");
    },
  },
  {
    name: "a cut after the end changes nothing",
    async run(world) {
      const { client, target, relay } = await relayed(world);
      await Promise.all([client.closeWrite(), target.closeWrite()]);
      assert.equal(await relay.ended, "done");
      relay.cut();
      assert.equal(await relay.ended, "done");
    },
  },
];

/** What every engine makes of the ways in which a session can end. */
export const endings: readonly ContractCase[] = [...resets, ...closes, ...cuts];
