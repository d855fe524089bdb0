import assert from "node:assert/strict";
import { type Libc, openLibc } from "../../lib/relay/linux/libc.ts";
import { startLinuxThread } from "../../lib/relay/linux/thread.ts";
import { LinuxWaker } from "../../lib/relay/linux/waker.ts";
import { within } from "../support/eventually.ts";

const ignore = Deno.build.os !== "linux";

/** Thrown into the loop to end it: a thread's own only ends with the thread. */
class TestIsOver extends Error {}

/**
 * A thread whose clock goes on only while it waits in the kernel, and then at once. `onPoll` sees each call of epoll_wait
 * and may end the loop.
 */
function startThread(onPoll: (call: { readonly at: number; readonly waitMs: number }) => void) {
  let now = 1_000;
  const libc = openLibc();
  const epoll_wait: Libc["call"]["epoll_wait"] = (epoll, events, maxEvents, waitMs) => {
    onPoll({ at: now, waitMs });
    now += waitMs;
    return libc.call.epoll_wait(epoll, events, maxEvents, 0);
  };
  const descriptors = new Uint8Array(65_536);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const thread = startLinuxThread({
    descriptors,
    onError: reject,
    onFault: reject,
    open: () => ({ ...libc, call: { ...libc.call, epoll_wait } }),
    clock: () => now,
  });
  return {
    ...thread,
    now: () => now,
    /** Resolves once the loop has ended as the test wanted. */
    async over(): Promise<void> {
      try {
        await within("the loop ends", ended);
      } catch (error) {
        if (!(error instanceof TestIsOver)) throw error;
      }
      for (let descriptor = 0; descriptor < descriptors.length; descriptor++) {
        if (descriptors[descriptor] === 1) libc.call.close(descriptor);
      }
      libc.close();
    },
  };
}

Deno.test({
  name:
    "linux: a thread with nothing to do sleeps: some hundred polls in ten seconds, not as many as the processor can",
  ignore,
  async fn() {
    let polls = 0;
    const maxPolls = 2_000;
    const thread = startThread(({ at }) => {
      polls++;
      if (at >= 11_000 || polls > maxPolls) throw new TestIsOver();
    });
    await thread.over();
    assert(polls <= maxPolls, `${polls} polls, and ten seconds were not over`);
  },
});

Deno.test({
  name: "linux: what a timer of the engine resolves moves on at once, not after the next sleep",
  ignore,
  async fn() {
    let movedAt: number | undefined;
    const thread = startThread(({ at }) => {
      if (movedAt !== undefined || at > 10_000) throw new TestIsOver();
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    thread.engine.after(1_234, resolve);
    // Deeper than the rounds that a loop which knows of nothing would run.
    let chain = promise;
    for (let depth = 0; depth < 8; depth++) chain = chain.then(() => {});
    chain.then(() => movedAt = thread.now());
    await thread.over();
    assert.equal(movedAt, 1_000 + 1_234);
  },
});

Deno.test({
  name: "linux: a thread that is woken for a message does not sleep before it has come",
  ignore,
  async fn() {
    using waker = new LinuxWaker();
    const channel = new MessageChannel();
    let received = false;
    let sleptMs = 0;
    let woken = false;
    const thread = startThread(({ waitMs }) => {
      if (received) throw new TestIsOver();
      if (woken) sleptMs += waitMs;
      if (sleptMs > 0) throw new TestIsOver();
    });
    channel.port2.onmessage = () => {
      received = true;
      thread.messageReceived();
    };
    await new Promise((resolve) => setTimeout(resolve));
    channel.port1.postMessage("for you");
    waker.wake(thread.wakeDescriptor);
    woken = true;
    await thread.over();
    channel.port1.close();
    channel.port2.close();
    assert.deepEqual([received, sleptMs], [true, 0]);
  },
});
