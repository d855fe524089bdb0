/** That a wait which would never end does, and says what it waited for. */
import assert from "node:assert/strict";
import { runToEnd } from "./command.ts";
import { eventually, within } from "./eventually.ts";

const never = new Promise<void>(() => {});

Deno.test("a promise that nothing settles fails with what was waited for, and leaves no timer behind", async () => {
  await assert.rejects(within("a miracle", never, { maxMs: 10 }), /never came within 0\.01 s: a miracle/);
  assert.equal(await within("a value", Promise.resolve(7), { maxMs: 60_000 }), 7);
  await assert.rejects(within("a value", Promise.reject(new Error("its own")), { maxMs: 60_000 }), /its own/);
});

Deno.test("a condition that never holds fails with what was waited for at the end", async () => {
  let polls = 0;
  await assert.rejects(
    eventually(() => `the end after ${polls} polls`, () => ++polls < 0, { maxMs: 30 }),
    (error: Error) => error.message === `never came within 0.03 s: the end after ${polls} polls`,
  );
});

Deno.test({
  name: "a command that does not end is killed, and the error has what it had printed",
  ignore: Deno.build.os === "windows",
  async fn() {
    const error = await runToEnd(["sh", "-c", "echo waiting; exec sleep 600"], { maxMs: 4_000 })
      .catch((error) => error);
    assert.match(error.message, /^sh had to be killed; it had printed:\nwaiting\n/);
    assert.match(error.cause.message, /never came within 4 s: the end of sh -c echo waiting/);
  },
});
