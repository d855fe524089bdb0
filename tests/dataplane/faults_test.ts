/** A fault of the program in one session: it costs that session, leaves a record of it, and gives everything back. */
import assert from "node:assert/strict";
import type { Engine } from "../../lib/relay/engine.ts";
import type { MemorySocket } from "../support/memory_socket.ts";
import { receive } from "../support/peer.ts";
import { PlaneWorld, snapshotOf, targetAt } from "../support/plane_world.ts";

function broken(): never {
  throw new Error("a fault of the program");
}

function faultsOf({ reports }: PlaneWorld): string[] {
  return reports.flatMap((report) => report.type === "events" ? report.faults : []);
}

const faulty: { readonly where: string; readonly change: Partial<Engine> }[] = [
  {
    where: "in an attempt to connect",
    change: { connect: () => Promise.reject(new Error("a fault of the program")) },
  },
  { where: "as connecting begins", change: { connect: broken } },
  { where: "as the relay begins", change: { relay: broken } },
];

for (const { where, change } of faulty) {
  Deno.test(`a fault ${where} ends its session as internal, with its stack reported and every permit given back`, async () => {
    using world = new PlaneWorld();
    const listener = world.targetListener(1);
    world.start(snapshotOf([targetAt(1)]));
    const other = await world.session(listener);

    Object.assign(world.engine, change);
    const client: MemorySocket = world.client();
    assert.equal((await receive(client)).end, "reset");
    for (const name of Object.keys(change)) Reflect.deleteProperty(world.engine, name);

    await Promise.all([other.client.closeWrite(), other.target.closeWrite()]);
    await world.quiet();
    await world.end();
    assert.deepEqual(world.closed.map(({ reason }) => reason).toSorted(), ["done", "internal"]);
    const [fault = "", ...more] = faultsOf(world);
    assert.match(fault, /^Error: a fault of the program\n +at /);
    assert.deepEqual(more, []);
    assert.equal(world.open(targetAt(1).slot), 0);
    // The two ends of the listeners aside, nothing is open but what the tests' peers hold.
    assert.equal(world.engine.openSockets <= 4, true);
  });
}

Deno.test("a record that cannot be written costs itself alone: the session is counted out, and a drain ends", async () => {
  using world = new PlaneWorld();
  const listener = world.targetListener(1);
  world.start(snapshotOf([targetAt(1)]));
  const { client, target } = await world.session(listener);
  const now = Date.now;
  Date.now = broken;
  try {
    await Promise.all([client.closeWrite(), target.closeWrite()]);
    await world.quiet();
    await world.end();
  } finally {
    Date.now = now;
  }
  assert.match(faultsOf(world).join(), /a fault of the program/);
  assert.equal(world.drained, 1);
});
