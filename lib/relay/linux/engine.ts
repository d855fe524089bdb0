/**
 * The linux engine: the kernel's own sockets through the C library, one epoll for each thread. It needs the ffi permission,
 * and a thread of its own: nothing in Deno that takes its event loop moves while it waits in the kernel.
 */
import type { Engine } from "../engine.ts";
import { LinuxAcceptor } from "./acceptor.ts";
import { type Attempt, connect } from "./connect.ts";
import type { Shared } from "./direction.ts";
import { Pipes } from "./pipes.ts";
import type { Reactor } from "./reactor.ts";
import { LinuxRelay } from "./relay.ts";
import type { LinuxSocket } from "./socket.ts";

const bufferBytes = 64 * 1024;

export interface LinuxEngineOptions {
  readonly reactor: Reactor;
  readonly resolve: Attempt["resolve"];
}

/** Makes a linux engine for one thread; whoever made the reactor turns it. */
export function linuxEngine({ reactor, resolve }: LinuxEngineOptions): Engine {
  const { libc } = reactor;
  const shared: Shared = { libc, reactor, pipes: new Pipes(reactor), buffer: new Uint8Array(bufferBytes) };
  return {
    name: "linux",
    after: (ms, callback) => reactor.after(ms, callback),
    listen: (address, options) => new LinuxAcceptor(reactor, address, options),
    connect: (address, options) => connect(reactor, { address, options, resolve }),
    relay: (client, target, limits) =>
      new LinuxRelay(client as LinuxSocket, target as LinuxSocket, { shared, limits }),
  };
}
