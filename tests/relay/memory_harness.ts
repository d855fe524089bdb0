import type { SocketAddress } from "../../lib/values/address.ts";
import { MemoryEngine } from "../support/memory_engine.ts";
import type { Peer } from "../support/peer.ts";
import type { Harness, World } from "./harness.ts";

/** The engine that has no sockets. */
export const memoryHarness: Harness = {
  name: "memory",
  lacks: {},
  open: () => Promise.resolve(memoryWorld()),
};

const anyPort: SocketAddress = { kind: "tcp", host: "10.0.0.1", port: 0 };

function memoryWorld(): World {
  const engine = new MemoryEngine();
  const faults: unknown[] = [];
  engine.onFault = (error) => faults.push(error);
  const opened = new DisposableStack();
  const unheard = { shared: false, onError: () => {} };
  return {
    engine,
    faults,
    bindAddress: () => anyPort,
    dial: (address) => Promise.resolve(opened.use(engine.dial(address))),
    openTarget() {
      const acceptor = opened.use(engine.listen(anyPort, unheard));
      return {
        address: acceptor.address,
        async accept(): Promise<Peer> {
          const peer = await acceptor.accept();
          if (peer === undefined) throw new Error("the target is closed");
          return opened.use(peer);
        },
      };
    },
    deadAddress: () => Promise.resolve({ kind: "tcp", host: "10.0.0.2", port: 1 }),
    silentAddress() {
      const address: SocketAddress = { kind: "tcp", host: "10.0.0.3", port: 1 };
      engine.answer(address, "silent");
      return Promise.resolve(address);
    },
    resetAll: (peers) => peers.forEach((peer) => peer.reset()),
    openSockets: () => engine.openSockets,
    [Symbol.asyncDispose]() {
      opened.dispose();
      return Promise.resolve();
    },
  };
}
