/** What turns the reactor of a thread that has nothing else to do than its sessions. */
import type { Engine } from "../engine.ts";
import { nextIteration } from "../immediate.ts";
import { keepToOwnCore } from "./affinity.ts";
import { linuxEngine } from "./engine.ts";
import { ep, errnoName, openLibc } from "./libc.ts";
import { marking } from "./owned.ts";
import { Reactor } from "./reactor.ts";

/** The thread looks after Deno's own event loop at least so often, though nobody has called. */
const lookMs = 100;

/** So many turns of Deno's event loop in a row: a message may need dozens of them to come through. */
const mostTurns = 64;

/** How deep the chains of promises are that one event sets off: each needs so many rounds of the microtask queue. */
const deepest = 24;

/** So many of them between two looks at the sockets: what matters at once, a connect or a relay, is not deep. */
const roundsATurn = 4;

/** An engine whose thread waits in the kernel. */
export interface LinuxThread {
  readonly engine: Engine;
  /** What `wake` of another thread takes: one call for each message, after it. */
  readonly wakeDescriptor: number;
  /** To be told of each message that has arrived. */
  readonly heard: () => void;
}

export interface LinuxThreadOptions {
  /** Which of how many threads it is, from 0. */
  readonly index: number;
  readonly count: number;
  /** Where its descriptors are marked. */
  readonly owned: Uint8Array;
  /** It turns no more. */
  readonly onError: (error: unknown) => void;
}

/**
 * Begins to turn a reactor, for as long as the thread lives. Throws where the C library, or FFI, is not to be had.
 */
export function startLinuxThread({ index, count, owned, onError }: LinuxThreadOptions): LinuxThread {
  const reactor = new Reactor(marking(openLibc(), owned));
  const { libc } = reactor;
  keepToOwnCore(libc, { index, count });
  const wakeDescriptor = libc.call.eventfd(0, ep.EFD_NONBLOCK_CLOEXEC);
  if (wakeDescriptor < 0) throw new Error(`eventfd: ${errnoName(libc.errno())}`);
  const state = { calls: 0, heard: 0 };
  const calls = new BigUint64Array(1);
  const ready = () => {
    if (libc.call.read(wakeDescriptor, new Uint8Array(calls.buffer), 8) === 8) {
      state.calls += Number(calls[0]);
    }
  };
  reactor.watch(wakeDescriptor, { ready }, ep.IN | ep.ET);
  turnForever(reactor, state).catch(onError);
  return { engine: linuxEngine({ reactor }), wakeDescriptor, heard: () => state.heard++ };
}

interface State {
  readonly calls: number;
  readonly heard: number;
}

async function turnForever(reactor: Reactor, state: State): Promise<void> {
  let lookedAt = -Infinity;
  let rounds = deepest;
  for (;;) {
    if (reactor.stirred) rounds = deepest;
    reactor.stirred = false;
    // The thread must not go to sleep before all that an event has set off is through.
    const awake = rounds > 0;
    for (let round = 0; round < roundsATurn && rounds > 0; round++, rounds--) await null;
    if (state.calls > state.heard || reactor.nowMs - lookedAt >= lookMs) {
      lookedAt = reactor.nowMs;
      await letDenoTurn(state);
      reactor.takeTime();
      rounds = deepest;
    }
    reactor.turn(awake || rounds > 0 ? 0 : lookMs);
  }
}

/** Messages come by Deno's own event loop. */
async function letDenoTurn(state: State): Promise<void> {
  for (let turns = 0; turns === 0 || (state.calls > state.heard && turns < mostTurns); turns++) {
    await nextIteration();
  }
}
