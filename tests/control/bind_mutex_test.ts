import assert from "node:assert/strict";
import { acquireBindMutex } from "../../lib/control/bind_mutex.ts";
import { within } from "../support/eventually.ts";

/** No other test listens there, where there is more than one loopback address. */
const hostname = Deno.build.os === "linux" ? "127.77.3.1" : "127.0.0.1";

/** Longer than any test waits. */
const maxWaitMs = 60_000;

/** An address that was free a moment ago, for a mutex of a test's own. */
function freeAddress(): { hostname: string; port: number } {
  using listener = Deno.listen({ hostname, port: 0 });
  return { hostname, port: (listener.addr as Deno.NetAddr).port };
}

function isFree(address: { hostname: string; port: number }): boolean {
  try {
    Deno.listen(address).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("the mutex is held by one at a time, and the next has it once it is given back", async () => {
  const address = freeAddress();
  const first = await acquireBindMutex({ address, maxWaitMs });
  let holders = 1;
  const waiting = acquireBindMutex({ address, maxWaitMs }).then((mutex) => {
    assert.equal(holders, 0, "somebody else still has it");
    return mutex;
  });
  // Time for some attempts; with none the test would only be weaker.
  await new Promise((resolve) => setTimeout(resolve, 30));
  holders = 0;
  first[Symbol.dispose]();
  const second = await within("the mutex", waiting);
  assert.equal(isFree(address), false);
  second[Symbol.dispose]();
  assert.ok(isFree(address));
});

Deno.test("many who want the mutex at once have it one after the other", async () => {
  const address = freeAddress();
  let holders = 0;
  await within(
    "everybody's end",
    Promise.all(Array.from({ length: 10 }, async () => {
      using _mutex = await acquireBindMutex({ address, maxWaitMs });
      assert.equal(++holders, 1);
      await new Promise((resolve) => setTimeout(resolve));
      holders--;
    })),
  );
});

Deno.test("a stranger that keeps the mutex's address for itself delays lb, and does not stop it", async () => {
  const address = freeAddress();
  using _stranger = Deno.listen(address);
  const mutex = await within("lb goes on", acquireBindMutex({ address, maxWaitMs: 50 }));
  mutex[Symbol.dispose]();
  assert.equal(isFree(address), false, "the stranger still has it");
});

Deno.test("where the mutex's address does not exist, lb goes on at once", async () => {
  const mutex = await within(
    "lb goes on",
    acquireBindMutex({ address: { hostname: "192.0.2.1", port: 1 }, maxWaitMs }),
  );
  mutex[Symbol.dispose]();
});
