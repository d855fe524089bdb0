import assert from "node:assert/strict";
import type { Peer } from "../support/peer.ts";
import { processSlot, SessionWorld } from "../support/session_world.ts";

/** How a session ends; `client` is the other end of its client's connection. */
interface Ending {
  readonly name: string;
  readonly listening?: boolean;
  readonly begin?: (world: SessionWorld) => void;
  readonly act?: (peers: { client: Peer; target: Peer }) => Promise<unknown> | void;
  /** Sockets of the test's own that are open then. */
  readonly ownSockets: number;
}

const endings: readonly Ending[] = [
  {
    name: "is done",
    act: ({ client, target }) => Promise.all([client.closeWrite(), target.closeWrite()]),
    ownSockets: 2,
  },
  { name: "was reset by its client", act: ({ client }) => client.reset(), ownSockets: 1 },
  { name: "was reset by its target", act: ({ target }) => target.reset(), ownSockets: 1 },
  { name: "has no target that answers", listening: false, ownSockets: 1 },
  {
    name: "ends by a fault of the program",
    begin: ({ engine }) => void (engine.connect = () => Promise.reject(new Error("a fault"))),
    ownSockets: 1,
  },
];

for (const { name, listening = true, begin, act, ownSockets } of endings) {
  Deno.test(`a session that ${name} gives its permits back when its sockets are closed, not before`, async () => {
    using world = new SessionWorld();
    const { acceptor } = world.target({ listening });
    begin?.(world);
    const openThen: number[] = [];
    const { permits } = world.shared;
    const release = permits.release.bind(permits);
    permits.release = (slot) => {
      if (slot === processSlot) openThen.push(world.engine.openSockets);
      release(slot);
    };
    const { client, session } = await world.open();
    if (act !== undefined) {
      const target = await acceptor!.accept() as unknown as Peer;
      await act({ client, target });
    }
    await session.closed.catch(() => {});
    assert.deepEqual(openThen, [ownSockets]);
    assert.equal(world.permitsTaken, 0);
  });
}
