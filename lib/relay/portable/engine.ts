/**
 * The portable engine: Deno's own sockets, on every system Deno runs on. Needs the `net` permission alone (and `read`
 * with `write` for a unix bind). It cannot send an RST: a cut connection ends with a FIN, or with the RST that Linux
 * sends by itself when unread input is thrown away.
 */
import { connectInOrder } from "../connect_in_order.ts";
import { LimitSweeper } from "../limits.ts";
import type { Engine, Relay, RelayLimits, RelayObserver, Socket } from "../engine.ts";
import { nextIteration } from "../immediate.ts";
import { PortableAcceptor } from "./acceptor.ts";
import { BufferPool } from "./buffers.ts";
import { connectTo, dial, type Dialling } from "./connect.ts";
import type { PortableSocket } from "./socket.ts";
import { StreamRelay } from "./stream_relay.ts";

export interface PortableEngineOptions extends Partial<Dialling> {
  /** Takes what the code of one session, or a callback, has thrown; without it, it is thrown where nobody catches it. */
  readonly onFault?: (error: unknown) => void;
}

/** Makes a portable engine for one thread. How it dials is for tests to say. */
export function portableEngine(
  { onFault = reportError, ...dialling }: PortableEngineOptions = {},
): Engine {
  const pool = new BufferPool();
  const sweeper = new LimitSweeper();
  const guarded = (callback: () => void) => () => {
    try {
      callback();
    } catch (error) {
      onFault(error);
    }
  };
  const now = () => performance.now();
  return {
    name: "portable",
    now,
    after(ms, callback) {
      const timer = setTimeout(guarded(callback), ms);
      return () => clearTimeout(timer);
    },
    async whenSettled(callback) {
      // A session ends by a call to the system of its own, which is answered in the iteration after.
      await nextIteration();
      await nextIteration();
      guarded(callback)();
    },
    listen: (address, options) => new PortableAcceptor(address, options),
    connect: (addresses, { client, timeoutMs }) =>
      connectInOrder(addresses, {
        timeoutMs,
        now,
        connectTo: (address, timeoutMs) => connectTo(address, { client, timeoutMs, dial, ...dialling }),
      }),
    relay(client: Socket, target: Socket, limits: RelayLimits, observer?: RelayObserver): Relay {
      const options = { limits, pool, sweeper, observer, onFault };
      return new StreamRelay(client as PortableSocket, target as PortableSocket, options);
    },
  };
}
