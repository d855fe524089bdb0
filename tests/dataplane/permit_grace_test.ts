import assert from "node:assert/strict";
import { PermitGrace } from "../../lib/dataplane/permit_grace.ts";

/** Timers that are due when the test says so, one at a time. */
class Timers {
  readonly pauses: number[] = [];
  #callbacks: (() => void)[] = [];

  readonly after = (ms: number, callback: () => void): () => void => {
    this.pauses.push(ms);
    this.#callbacks.push(callback);
    return () => {};
  };

  get waiting(): number {
    return this.#callbacks.length;
  }

  /** Lets all that wait now go on, until they wait again or have ended. */
  async fire(): Promise<void> {
    for (const callback of this.#callbacks.splice(0)) callback();
    for (let microtask = 0; microtask < 10; microtask++) await Promise.resolve();
  }
}

Deno.test("a question is repeated after each pause until the answer is yes", async () => {
  const timers = new Timers();
  const grace = new PermitGrace(timers);
  let asked = 0;
  const waiting = grace.until(() => ++asked === 3);
  for (let pause = 0; pause < 3; pause++) await timers.fire();
  await waiting;
  assert.deepEqual([asked, timers.waiting], [3, 0]);
});

Deno.test("who gets no yes is given up after less than a tenth of a second", async () => {
  const timers = new Timers();
  const grace = new PermitGrace(timers);
  let asked = 0;
  const waiting = grace.until(() => {
    asked++;
    return false;
  });
  while (timers.waiting > 0) await timers.fire();
  await waiting;
  assert.equal(asked, timers.pauses.length);
  assert.ok(timers.pauses.reduce((sum, ms) => sum + ms, 0) < 100);
});

Deno.test("only some wait at a time, the others are told at once, and one that has ended makes room for the next", async () => {
  const timers = new Timers();
  const grace = new PermitGrace(timers);
  let free = false;
  const waiting = Array.from({ length: 100 }, () => grace.until(() => free));
  const most = timers.waiting;
  assert.ok(most > 0 && most < 20, `${most} wait`);
  await Promise.all(waiting.slice(most));
  free = true;
  await timers.fire();
  await Promise.all(waiting);
  const next = grace.until(() => free);
  assert.equal(timers.waiting, 1);
  await timers.fire();
  await next;
});
