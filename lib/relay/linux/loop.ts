/** What turns the reactor of a thread that has nothing else to do than its sessions. */
import { lookup } from "node:dns/promises";
import { setImmediate } from "node:timers";
import type { Engine } from "../engine.ts";
import { linuxEngine } from "./engine.ts";
import { ep, errnoName, openLibc } from "./libc.ts";
import { Reactor } from "./reactor.ts";

/** The thread looks after Deno's own event loop at least so often, though nobody has called. */
const lookMs = 100;

/** So many turns of Deno's event loop in a row: a message may need dozens of them to come through. */
const mostTurns = 64;

/** How deep the chains of promises are that one event sets off: each needs so many turns of the microtask queue. */
const deepest = 24;

/** An engine whose thread waits in the kernel. */
export interface LinuxThread {
  readonly engine: Engine;
  /** What `wake` of another thread takes: one call for each message, after it. */
  readonly wakeDescriptor: number;
  /** To be told of each message that has arrived. */
  readonly heard: () => void;
}

/** Begins to turn a reactor, for as long as the thread lives. Throws where the C library, or FFI, is not to be had. */
export function startLinuxThread(onError: (error: unknown) => void): LinuxThread {
  const reactor = new Reactor(openLibc());
  const { libc } = reactor;
  const wakeDescriptor = libc.call.eventfd(0, ep.EFD_NONBLOCK_CLOEXEC);
  if (wakeDescriptor < 0) throw new Error(`eventfd: ${errnoName(libc.errno())}`);
  const state = { calls: 0, heard: 0, resolving: 0 };
  const calls = new BigUint64Array(1);
  const ready = () => {
    if (libc.call.read(wakeDescriptor, new Uint8Array(calls.buffer), 8) === 8) {
      state.calls += Number(calls[0]);
    }
  };
  reactor.watch(wakeDescriptor, { ready }, ep.IN | ep.ET);
  const resolve = async (host: string) => {
    state.resolving++;
    try {
      return (await lookup(host)).address;
    } finally {
      state.resolving--;
    }
  };
  turnForever(reactor, state).catch(onError);
  return { engine: linuxEngine({ reactor, resolve }), wakeDescriptor, heard: () => state.heard++ };
}

interface State {
  readonly calls: number;
  readonly heard: number;
  readonly resolving: number;
}

async function turnForever(reactor: Reactor, state: State): Promise<void> {
  let lookedAt = -Infinity;
  for (;;) {
    // What an event has set off may take several rounds; nothing must be left when the thread goes to sleep.
    for (let depth = 0; depth < deepest && reactor.stirred; depth++) await null;
    const stirred = reactor.stirred;
    reactor.stirred = false;
    const now = performance.now();
    const isCalled = () => state.calls > state.heard;
    if (isCalled() || state.resolving > 0 || now - lookedAt >= lookMs) {
      lookedAt = now;
      // Messages and name lookups come by Deno's own event loop.
      for (let turns = 0; turns === 0 || (isCalled() && turns < mostTurns); turns++) {
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
    const isBusy = stirred || reactor.stirred || isCalled() || state.resolving > 0;
    reactor.turn(isBusy ? 0 : lookMs);
  }
}
