/**
 * The linux engine: the kernel's own sockets through the C library, one epoll for each thread. It needs the ffi permission,
 * and a thread of its own: nothing in Deno that takes its event loop moves while it waits in the kernel.
 */
import type { Engine } from "../engine.ts";
import { LinuxAcceptor } from "./acceptor.ts";
import { connect } from "./connect.ts";
import type { ThreadResources } from "./direction.ts";
import { defaultPacketBytes, Pipes } from "./pipes.ts";
import type { Reactor } from "./reactor.ts";
import { LinuxRelay } from "./relay.ts";
import type { LinuxSocket } from "./socket.ts";

/** Of the buffer that all sessions of a thread share. */
const defaultBufferBytes = 64 * 1024;

export interface LinuxEngineOptions {
  readonly reactor: Reactor;
  /** A read of so many bytes has a direction splice from then on. */
  readonly bufferBytes?: number;
  /** As much as a direction that is spliced moves at a time, at most. */
  readonly packetBytes?: number;
}

/**
 * Makes a linux engine for one thread; whoever made the reactor polls it. Disposing closes what no session owns, once
 * there are none.
 */
export function linuxEngine(
  { reactor, bufferBytes = defaultBufferBytes, packetBytes = defaultPacketBytes }: LinuxEngineOptions,
): Engine & Disposable {
  const { libc } = reactor;
  const pipes = new Pipes(reactor, packetBytes);
  const resources: ThreadResources = { libc, reactor, pipes, buffer: new Uint8Array(bufferBytes) };
  return {
    name: "linux",
    now: () => reactor.nowMs,
    after: (ms, callback) =>
      reactor.after(ms, () => {
        // It may resolve what somebody awaits.
        reactor.microtasksPending = true;
        callback();
      }),
    whenSettled: (callback) => reactor.whenSettled(callback),
    listen: (address, options) => new LinuxAcceptor(reactor, address, options),
    connect: (addresses, options) => connect(reactor, addresses, options),
    relay: (client, target, limits, observer) =>
      new LinuxRelay(client as LinuxSocket, target as LinuxSocket, { resources, limits, observer }),
    [Symbol.dispose]: () => pipes[Symbol.dispose](),
  };
}
