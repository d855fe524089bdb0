/** A data-plane thread of the linux engine: what polls the reactor, and lets Deno's own event loop run now and then. */
import type { SocketAddress } from "../../values/address.ts";
import type { Engine, Socket } from "../engine.ts";
import { nextIteration } from "../immediate.ts";
import { dialAsClient } from "./connect.ts";
import { linuxEngine } from "./engine.ts";
import { epollConstants, type Libc, openLibc, SystemError } from "./libc.ts";
import { Reactor } from "./reactor.ts";
import { trackDescriptors } from "./tracked_descriptors.ts";

/** A thread that nobody wakes sleeps so long at most, then lets Deno's own event loop run. */
const maxSleepMs = 100;

/** Rounds of Deno's event loop in a row: a message may need dozens of them to arrive. */
const maxPumpRounds = 64;

/** How deep the chains of promises are that one event sets off: each step is a round of the microtask queue. */
const maxMicrotaskDepth = 24;

/** How many of those rounds run between two polls: a connect or the start of a relay, which must not wait, needs fewer. */
const microtasksPerPoll = 4;

/** An engine whose thread waits in the kernel. */
export interface LinuxThread {
  readonly engine: Engine;
  dial(address: SocketAddress): Promise<Socket>;
  /** What another thread's `LinuxWaker` takes: one wake for each message, after it was sent. */
  readonly wakeDescriptor: number;
  /** To be called for each message that has arrived. */
  messageReceived(): void;
}

export interface LinuxThreadOptions {
  /** Where its open descriptors are marked. */
  readonly descriptors: Uint8Array;
  /** Called once when polling has failed: the thread serves no more. */
  readonly onError: (error: unknown) => void;
  /** Takes the faults of single sessions, which nobody else notices. */
  readonly onFault: (error: unknown) => void;
  /** For tests: the C library and the clock. */
  readonly open?: () => Libc;
  readonly clock?: () => number;
}

/** How many messages were announced by a wake, and how many have arrived. */
interface Messages {
  wakeups: number;
  received: number;
}

/** Begins to poll a reactor, for as long as the thread lives. Throws where the C library, or FFI, is not to be had. */
export function startLinuxThread(
  { descriptors, onError, onFault, open = openLibc, clock }: LinuxThreadOptions,
): LinuxThread {
  const options = clock === undefined ? { onFault } : { onFault, clock };
  const reactor = new Reactor(trackDescriptors(open(), descriptors), options);
  const messages: Messages = { wakeups: 0, received: 0 };
  const wakeDescriptor = watchWakeups(reactor, messages);
  pollForever(reactor, messages).catch(onError);
  return {
    engine: linuxEngine({ reactor }),
    dial: (address) => new Promise((resolve) => resolve(dialAsClient(reactor, address))),
    wakeDescriptor,
    messageReceived: () => void messages.received++,
  };
}

/** Counts the wakes of other threads by an eventfd, which it returns. */
function watchWakeups(reactor: Reactor, messages: Messages): number {
  const { call, errno } = reactor.libc;
  const descriptor = call.eventfd(0, epollConstants.EFD_NONBLOCK_CLOEXEC);
  if (descriptor < 0) throw new SystemError("eventfd", errno());
  const count = new BigUint64Array(1);
  const countBytes = new Uint8Array(count.buffer);
  const ready = () => {
    if (call.read(descriptor, countBytes, countBytes.length) === countBytes.length) {
      messages.wakeups += Number(count[0]);
    }
  };
  reactor.watch(descriptor, { ready }, epollConstants.IN | epollConstants.ET);
  return descriptor;
}

async function pollForever(reactor: Reactor, messages: Messages): Promise<void> {
  let pumpedAt = -Infinity;
  let microtasksLeft = maxMicrotaskDepth;
  for (;;) {
    if (reactor.microtasksPending) microtasksLeft = maxMicrotaskDepth;
    reactor.microtasksPending = false;
    // The thread must not sleep before all that an event has set off is through.
    const mayNotSleep = microtasksLeft > 0;
    for (let round = 0; round < microtasksPerPoll && microtasksLeft > 0; round++, microtasksLeft--) {
      await null;
    }
    if (messages.wakeups > messages.received || reactor.nowMs - pumpedAt >= maxSleepMs) {
      pumpedAt = reactor.nowMs;
      await pumpEventLoop(messages);
      reactor.updateTime();
      microtasksLeft = maxMicrotaskDepth;
    }
    reactor.poll(mayNotSleep || microtasksLeft > 0 ? 0 : maxSleepMs);
  }
}

/** Runs Deno's own event loop, by which messages arrive, until all that were announced have. */
async function pumpEventLoop(messages: Messages): Promise<void> {
  for (
    let round = 0;
    round === 0 || (messages.wakeups > messages.received && round < maxPumpRounds);
    round++
  ) {
    await nextIteration();
  }
}
