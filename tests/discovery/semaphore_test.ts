import assert from "node:assert/strict";
import { Semaphore } from "../../lib/discovery/semaphore.ts";

const forever = new AbortController().signal;

Deno.test("permits are given in the order in which they were asked for, no more than there are", async () => {
  const semaphore = new Semaphore(2);
  const got: number[] = [];
  const held: Disposable[] = [];
  const acquire = async (name: number) => {
    held.push((await semaphore.acquire(forever))!);
    got.push(name);
  };
  const all = [1, 2, 3, 4].map(acquire);
  await Promise.all(all.slice(0, 2));
  assert.deepEqual(got, [1, 2]);
  held[0]![Symbol.dispose]();
  // Giving it back twice gives it back once.
  held[0]![Symbol.dispose]();
  await all[2];
  assert.deepEqual(got, [1, 2, 3]);
  held[1]![Symbol.dispose]();
  await all[3];
  assert.deepEqual(got, [1, 2, 3, 4]);
});

Deno.test("whoever gives up waiting holds nothing, and does not stand in the way", async () => {
  const semaphore = new Semaphore(1);
  const first = await semaphore.acquire(forever);
  const leaving = new AbortController();
  const second = semaphore.acquire(leaving.signal);
  const third = semaphore.acquire(forever);
  leaving.abort();
  assert.equal(await second, undefined);
  first![Symbol.dispose]();
  using _third = await third;
  assert.equal(await semaphore.acquire(AbortSignal.abort()), undefined);
});
