import assert from "node:assert/strict";
import { osError, wordsForErrno, wordsForError } from "../../lib/relay/failure_words.ts";
import { errno, localFaults, SystemError } from "../../lib/relay/linux/libc.ts";

Deno.test("every error number that the linux engine knows has words, without a name or a number in them", () => {
  for (const [name, number] of Object.entries(errno)) {
    if (name === "EINTR" || name === "EINPROGRESS") continue;
    assert.match(wordsForErrno(number), /^[a-z' ]+$/, name);
  }
  for (const number of localFaults) assert.doesNotMatch(wordsForErrno(number), /system error/);
});

Deno.test("an error number without words is given as what it is", () => {
  assert.equal(wordsForErrno(4_711), "system error 4711");
});

Deno.test("a call that failed says which one, and why in words", () => {
  const error = new SystemError("bind", errno.EACCES);
  assert.deepEqual([error.message, error.number], ["bind: permission denied", 13]);
});

Deno.test({
  name: "an error of Deno's is put into the same words",
  ignore: Deno.build.os !== "linux",
  fn() {
    const refused = new Deno.errors.ConnectionRefused("Connection refused (os error 111)");
    assert.equal(wordsForError(refused), "connection refused");
    assert.equal(wordsForError(new Error("Too many open files (os error 24)")), "no free file descriptor");
  },
});

Deno.test("an error that is not in the table keeps its own words, without the number", () => {
  assert.equal(wordsForError(new Error("Level 3 halted (os error 46)")), "Level 3 halted");
  assert.equal(wordsForError("gone fishing"), "gone fishing");
});

Deno.test("the number of an error is found where there is one", () => {
  assert.deepEqual([osError(new Error("x (os error 99)")), osError(new Error("x"))], [99, undefined]);
});
