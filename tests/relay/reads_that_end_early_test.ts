import assert from "node:assert/strict";
import { payload } from "../support/payload.ts";
import { assertSameBytes, receiveAll, receiveExactly, sendAndFinish } from "../support/peer.ts";
import { RawConn } from "../support/raw_sockets.ts";
import { listen, type World } from "./harness.ts";
import { unlimited } from "../../lib/relay/engine.ts";
import { linuxHarnesses } from "./linux_harness.ts";

const [tcp, , unix] = linuxHarnesses;
const ignore = tcp === undefined || unix === undefined;

/** A session whose client has said all that `speak` says before a byte is relayed; the target's side of it. */
async function session(
  { clients, targets, speak }: {
    readonly clients: World;
    readonly targets: World;
    readonly speak: (client: RawConn) => Promise<void>;
  },
) {
  using opened = new DisposableStack();
  using acceptor = listen(clients);
  const { address } = acceptor;
  const client = opened.use(
    address.kind === "tcp" ? RawConn.connect(address.port) : RawConn.connectUnix(address.path),
  );
  await speak(client);
  const socket = (await acceptor.accept())!;
  const listener = targets.openTarget();
  const connected = await clients.engine.connect([listener.address], { timeoutMs: 5_000, client: socket });
  assert.ok(connected.kind === "connected");
  const relay = clients.engine.relay(socket, connected.socket, unlimited);
  const target = await listener.accept();
  const all = opened.move();
  return { client, target, relay, [Symbol.dispose]: () => all.dispose() };
}

Deno.test({
  name: "linux: an upload in bulk with urgent data in it arrives, without the urgent byte",
  ignore,
  async fn() {
    await using world = await tcp!.open();
    const half = 2_000_000;
    const upload = payload(2 * half, 1);
    using opened = await session({ clients: world, targets: world, speak: () => Promise.resolve() });
    const { client, target, relay } = opened;
    const arrived = receiveAll(target);
    // By the time the urgent byte comes, its direction has been in bulk for long.
    await client.send(upload.subarray(0, half));
    await client.sendUrgent(33);
    await client.send(upload.subarray(half));
    client.finish();
    // A read that does not ask for urgent data in line passes its byte over (tcp(7)).
    assertSameBytes(await arrived, upload);
    await target.closeWrite();
    assert.equal(await relay.ended, "done");
  },
});

Deno.test({
  name: "linux: an urgent byte right before the end costs its sender nothing of the answer",
  ignore,
  async fn() {
    await using world = await tcp!.open();
    const [question, answer] = [payload(3, 1), payload(300_000, 2)];
    using opened = await session({
      clients: world,
      targets: world,
      async speak(client) {
        await client.send(question);
        await client.sendUrgent(33);
        client.finish();
      },
    });
    const { client, target, relay } = opened;
    assertSameBytes(await receiveAll(target), question);
    await sendAndFinish(target, answer);
    assert.equal(await relay.ended, "done");
    // Only now: an RST would have taken back what waits in the kernel.
    assertSameBytes(await client.receive(answer.length), answer);
  },
});

Deno.test({
  name: "linux: an urgent byte where bulk begins, with the end behind it, cuts nothing off",
  ignore,
  async fn() {
    await using world = await tcp!.open();
    // A connection to a unix socket stands at once, so no event has reported the urgent byte when the first reads are made.
    await using targets = await unix!.open();
    const bufferBytes = 65_536;
    const upload = payload(bufferBytes + 1_000, 1);
    using opened = await session({
      clients: world,
      targets,
      async speak(client) {
        await client.send(upload.subarray(0, bufferBytes));
        await client.sendUrgent(33);
        await client.send(upload.subarray(bufferBytes));
        client.finish();
      },
    });
    const { target, relay } = opened;
    assertSameBytes(await receiveAll(target), upload);
    await target.closeWrite();
    assert.equal(await relay.ended, "done");
  },
});

Deno.test({
  name: "linux: what comes behind a descriptor on a unix socket is not left lying",
  ignore,
  async fn() {
    await using world = await unix!.open();
    const [first, second] = [payload(5, 1), payload(6, 2)];
    using opened = await session({ clients: world, targets: world, speak: () => Promise.resolve() });
    const { client, target, relay } = opened;
    // The kernel ends a read behind the bytes that a descriptor came with, and one event reports both.
    client.sendWithDescriptor(first);
    client.sendWithDescriptor(second);
    assertSameBytes(
      await receiveExactly(target, first.length + second.length),
      Uint8Array.of(...first, ...second),
    );
    client.finish();
    await target.closeWrite();
    assert.equal(await relay.ended, "done");
  },
});
