import assert from "node:assert/strict";
import { type Acceptor, maxPeekBytes, type Peeked, type Socket } from "../../lib/relay/engine.ts";
import { formatAddress } from "../../lib/values/address.ts";
import { eventually, within } from "../support/eventually.ts";
import { payload } from "../support/payload.ts";
import { assertSameBytes, type Peer, receiveAll, receiveExactly, sendAll } from "../support/peer.ts";
import { accepted, type ContractCase, listen, relayAccepted, type World } from "./harness.ts";

const mib = 1024 * 1024;
const patienceMs = 20_000;

/** A client that nobody relays yet. */
async function withClient(
  world: World,
  use: (both: { client: Peer; socket: Socket; acceptor: Acceptor }) => Promise<void>,
): Promise<void> {
  using acceptor = listen(world);
  const { client, socket } = await accepted(world, acceptor);
  using _socket = socket;
  await within("what the case waits for", use({ client, socket, acceptor }));
}

/** The bytes of an answer, of whatever kind but `gone`. */
function bytesOf(peeked: Peeked): Uint8Array<ArrayBuffer> {
  assert(peeked.kind !== "gone", "the connection is gone");
  return peeked.bytes;
}

/** Whether a client is noticed to be gone, and how often that was called. */
function goneCalls(socket: Socket): { readonly calls: () => number; readonly cancel: () => void } {
  let calls = 0;
  const cancel = socket.whenGone(() => calls++);
  assert.equal(calls, 0, "called before whenGone has returned");
  return { calls: () => calls, cancel };
}

const peeking: readonly ContractCase[] = [
  {
    name: "what was peeked and not skipped is relayed, byte for byte and in front of the rest",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const upload = payload(40_000, 1);
        await sendAll(client, upload.subarray(0, 20_000));
        const peeked = await socket.peek({ minBytes: 10_000, timeoutMs: patienceMs });
        assert.equal(peeked.kind, "bytes");
        assertSameBytes(bytesOf(peeked), upload.subarray(0, bytesOf(peeked).length));
        socket.skip(7);
        socket.skip(93);
        const { target, relay } = await relayAccepted(world, socket);
        await sendAll(client, upload.subarray(20_000));
        assertSameBytes(await receiveExactly(target, upload.length - 100), upload.subarray(100));
        assert.equal(relay.receivedBytes, upload.length - 100);
        relay.cut();
        await relay.ended;
      }),
  },
  {
    name: "first bytes that come one by one are waited for, and each peek gives all there is",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const hello = payload(60, 2);
        const sending = (async () => {
          for (const byte of hello) {
            await sendAll(client, Uint8Array.of(byte));
            await new Promise((resolve) => setTimeout(resolve));
          }
        })();
        let seen = new Uint8Array(0);
        while (seen.length < hello.length) {
          const peeked = await socket.peek({ minBytes: seen.length + 1, timeoutMs: patienceMs });
          assert.equal(peeked.kind, "bytes");
          assert(bytesOf(peeked).length > seen.length);
          seen = bytesOf(peeked);
        }
        assertSameBytes(seen, hello);
        await sending;
        const { target, relay } = await relayAccepted(world, socket);
        assertSameBytes(await receiveExactly(target, hello.length), hello);
        relay.cut();
        await relay.ended;
      }),
  },
  {
    name: "as many bytes as a peek can give are given, and no more",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const upload = payload(maxPeekBytes + 5_000, 3);
        await sendAll(client, upload);
        const peeked = await socket.peek({ minBytes: maxPeekBytes, timeoutMs: patienceMs });
        assert.equal(peeked.kind, "bytes");
        assertSameBytes(bytesOf(peeked), upload.subarray(0, maxPeekBytes));
        for (const minBytes of [0, maxPeekBytes + 1, NaN]) {
          await assert.rejects(socket.peek({ minBytes, timeoutMs: 1 }), RangeError);
        }
        socket.skip(maxPeekBytes);
        const { target, relay } = await relayAccepted(world, socket);
        assertSameBytes(await receiveExactly(target, 5_000), upload.subarray(maxPeekBytes));
        relay.cut();
        await relay.ended;
      }),
  },
  {
    name: "an end behind fewer bytes than were asked for is an answer, and both are relayed",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const hello = payload(11, 4);
        await sendAll(client, hello);
        await client.closeWrite();
        const peeked = await socket.peek({ minBytes: 100, timeoutMs: patienceMs });
        assert.equal(peeked.kind, "end");
        assertSameBytes(bytesOf(peeked), hello);
        socket.skip(1);
        const { target, relay } = await relayAccepted(world, socket);
        assertSameBytes(await receiveAll(target), hello.subarray(1));
        await sendAll(target, hello);
        await target.closeWrite();
        assertSameBytes(await receiveAll(client), hello);
        assert.equal(await relay.ended, "done");
      }),
  },
  {
    name: "an end that comes while a peek waits is its answer",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const peeking = socket.peek({ minBytes: 1, timeoutMs: patienceMs });
        await client.closeWrite();
        assert.deepEqual(await peeking, { kind: "end", bytes: new Uint8Array(0) });
      }),
  },
  {
    name: "a peek that has waited long enough answers with what there is, and nothing is lost",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        assert.deepEqual(await socket.peek({ minBytes: 1, timeoutMs: 20 }), {
          kind: "timeout",
          bytes: new Uint8Array(0),
        });
        const hello = payload(30, 5);
        await sendAll(client, hello);
        await socket.peek({ minBytes: 30, timeoutMs: patienceMs });
        const peeked = await socket.peek({ minBytes: 31, timeoutMs: 20 });
        assert.equal(peeked.kind, "timeout");
        assertSameBytes(bytesOf(peeked), hello);
        const { target, relay } = await relayAccepted(world, socket);
        assertSameBytes(await receiveExactly(target, 30), hello);
        relay.cut();
        await relay.ended;
      }),
  },
  {
    name: "more than was peeked cannot be skipped",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        assert.throws(() => socket.skip(1), RangeError);
        await sendAll(client, payload(3, 6));
        await socket.peek({ minBytes: 3, timeoutMs: patienceMs });
        assert.throws(() => socket.skip(4), RangeError);
        socket.skip(2);
        assert.throws(() => socket.skip(2), RangeError);
      }),
  },
  {
    name: "a client that resets while it is peeked at is gone",
    needs: "peers reset",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const peeking = socket.peek({ minBytes: 10, timeoutMs: patienceMs });
        client.reset();
        assert.deepEqual(await peeking, { kind: "gone" });
        assert.deepEqual(await socket.peek({ minBytes: 1, timeoutMs: patienceMs }), { kind: "gone" });
      }),
  },
  {
    name: "closing a socket ends a peek that waits, and every later one",
    run: (world) =>
      withClient(world, async ({ socket }) => {
        const peeking = socket.peek({ minBytes: 1, timeoutMs: Infinity });
        socket[Symbol.dispose]();
        assert.deepEqual(await peeking, { kind: "gone" });
        assert.deepEqual(await socket.peek({ minBytes: 1, timeoutMs: Infinity }), { kind: "gone" });
      }),
  },
];

const writing: readonly ContractCase[] = [
  {
    name: "what is written before the relay comes before what is relayed, on both sides, and in no figure",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const [greeting, header] = [payload(5, 7), payload(300, 8)];
        assert.equal(await socket.write(greeting, { timeoutMs: patienceMs }), "written");
        const { target, relay } = await relayAccepted(world, socket, async (targetSocket) => {
          assert.equal(await targetSocket.write(header, { timeoutMs: patienceMs }), "written");
        });
        await Promise.all([sendAll(client, payload(10, 9)), sendAll(target, payload(20, 10))]);
        assertSameBytes(await receiveExactly(target, 310), Uint8Array.of(...header, ...payload(10, 9)));
        assertSameBytes(await receiveExactly(client, 25), Uint8Array.of(...greeting, ...payload(20, 10)));
        assert.deepEqual([relay.receivedBytes, relay.sentBytes], [10, 20]);
        relay.cut();
        await relay.ended;
      }),
  },
  {
    name: "a write to a full receiver waits for it without stopping anybody else, and arrives whole",
    run: (world) =>
      withClient(world, async ({ client, socket, acceptor }) => {
        const bytes = payload(24 * mib, 11);
        let written: string | undefined;
        const writing = socket.write(bytes, { timeoutMs: Infinity }).then((result) => written = result);
        const other = await accepted(world, acceptor);
        await sendAll(other.client, payload(10, 12));
        await other.socket.peek({ minBytes: 10, timeoutMs: patienceMs });
        other.socket[Symbol.dispose]();
        assert.equal(written, undefined);
        assertSameBytes(await receiveExactly(client, bytes.length), bytes);
        assert.equal(await writing, "written");
      }),
  },
  {
    name: "a write that a full receiver does not take in time says so",
    run: (world) =>
      withClient(world, async ({ socket }) => {
        assert.equal(await socket.write(payload(24 * mib, 13), { timeoutMs: 30 }), "timeout");
      }),
  },
  {
    name: "a write to a peer that has reset, and one to a socket that is closed, fail as gone",
    needs: "peers reset",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const { calls } = goneCalls(socket);
        client.reset();
        await eventually("the reset is noticed", () => calls() === 1);
        assert.equal(await socket.write(payload(10, 14), { timeoutMs: patienceMs }), "gone");
        socket[Symbol.dispose]();
        assert.equal(await socket.write(payload(10, 14), { timeoutMs: patienceMs }), "gone");
      }),
  },
  {
    name: "a peer that resets while a write waits for it ends the write",
    needs: "peers reset",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const writing = socket.write(payload(24 * mib, 15), { timeoutMs: Infinity });
        await receiveExactly(client, 1_000);
        client.reset();
        assert.equal(await writing, "gone");
      }),
  },
];

const leaving: readonly ContractCase[] = [
  {
    name: "a client that resets while nobody reads is noticed, once",
    needs: "peers reset",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const [first, second] = [goneCalls(socket), goneCalls(socket)];
        await sendAll(client, payload(100, 16));
        client.reset();
        await eventually("both are called", () => first.calls() === 1 && second.calls() === 1);
        socket.reset();
        const later = goneCalls(socket);
        await eventually("a later one is called, too", () => later.calls() === 1);
        assert.deepEqual([first.calls(), second.calls()], [1, 1]);
      }),
  },
  {
    name: "a client that only finishes is not gone, and is relayed",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const { calls, cancel } = goneCalls(socket);
        await sendAll(client, payload(10, 17));
        await client.closeWrite();
        await socket.peek({ minBytes: 11, timeoutMs: patienceMs });
        assert.equal(calls(), 0);
        cancel();
        const { target, relay } = await relayAccepted(world, socket);
        assertSameBytes(await receiveAll(target), payload(10, 17));
        await target.closeWrite();
        assert.equal(await relay.ended, "done");
        assert.equal(calls(), 0);
      }),
  },
  {
    name: "whoever has cancelled is not called, and the bytes that came meanwhile are relayed",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const cancelled = goneCalls(socket);
        await sendAll(client, payload(6_000, 18));
        cancelled.cancel();
        cancelled.cancel();
        const { target, relay } = await relayAccepted(world, socket);
        assertSameBytes(await receiveExactly(target, 6_000), payload(6_000, 18));
        relay.cut();
        await relay.ended;
        assert.equal(cancelled.calls(), 0);
      }),
  },
  {
    name: "closing a socket from this side counts as gone",
    run: (world) =>
      withClient(world, async ({ socket }) => {
        const { calls } = goneCalls(socket);
        socket[Symbol.dispose]();
        await eventually("it is called", () => calls() === 1);
      }),
  },
  {
    name: "a client that leaves during an attempt to connect is noticed by who waits for it besides",
    needs: "silent targets",
    run: (world) =>
      withClient(world, async ({ client, socket }) => {
        const { calls } = goneCalls(socket);
        const address = await world.silentAddress();
        const connecting = world.engine.connect([address], { timeoutMs: patienceMs, client: socket });
        client.reset();
        const connected = await connecting;
        assert(connected.kind === "failed");
        assert.equal(connected.failure, "client_gone");
        await eventually("it is called", () => calls() === 1);
      }),
  },
];

const addresses: readonly ContractCase[] = [
  {
    name: "a client's socket has the address that the client has reached",
    run: (world) =>
      withClient(world, ({ socket, acceptor }) => {
        assert.equal(socket.local, formatAddress(acceptor.address));
        return Promise.resolve();
      }),
  },
];

/** What every engine lets a session do before its relay. */
export const beforeTheRelay: readonly ContractCase[] = [...peeking, ...writing, ...leaving, ...addresses];
