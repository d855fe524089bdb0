import assert from "node:assert/strict";
import { payload } from "../support/payload.ts";
import { assertSameBytes, receiveAll } from "../support/peer.ts";
import { RawConn } from "../support/raw_sockets.ts";
import { listen, unlimited } from "./harness.ts";
import { linuxHarnesses } from "./linux_harness.ts";

const half = 2_000_000;

Deno.test({
  name: "linux: an upload in bulk with urgent data in it arrives, without the urgent byte",
  ignore: linuxHarnesses.length === 0,
  async fn() {
    await using world = await linuxHarnesses[0]!.open();
    using acceptor = listen(world);
    const listener = world.openTarget();
    if (acceptor.address.kind !== "tcp") throw new Error("urgent data is a thing of TCP");
    using client = RawConn.connect(acceptor.address.port);
    const socket = (await acceptor.accept())!;
    const [target, connected] = await Promise.all([
      listener.accept(),
      world.engine.connect(listener.address, { timeoutMs: 5_000, client: socket }),
    ]);
    assert.ok(connected.kind === "connected");
    const relay = world.engine.relay(socket, connected.socket, unlimited);

    const upload = payload(2 * half, 1);
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
