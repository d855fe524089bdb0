import assert from "node:assert/strict";
import { errnoCode, errorCode, systemWords } from "../../lib/values/system_error.ts";

Deno.test("an error of the system has words by its name, and one that is not known has none", () => {
  assert.equal(systemWords("ECONNREFUSED"), "connection refused");
  assert.equal(systemWords("EADDRINUSE"), "address in use");
  assert.equal(systemWords("EWHATEVER"), undefined);
  assert.equal(systemWords(""), undefined);
});

Deno.test("a number of Linux has its name", () => {
  assert.deepEqual([111, 98, 2, 999].map(errnoCode), ["ECONNREFUSED", "EADDRINUSE", "ENOENT", undefined]);
});

Deno.test("the name of an error comes from its code, else from the number in its text", () => {
  const coded = Object.assign(new Error("no words"), { code: "EPIPE" });
  assert.equal(errorCode(coded), "EPIPE");
  assert.equal(errorCode(new Error("bind: EACCES (os error 13)")), "EACCES");
  assert.equal(errorCode("Address already in use (os error 98)"), "EADDRINUSE");
  assert.equal(errorCode(new Error("os error 4711 and os errors 9")), undefined);
  assert.equal(errorCode(new Error("certificate: unknown issuer")), undefined);
  assert.equal(errorCode(undefined), undefined);
});

Deno.test({
  name: "errors that Deno itself throws have a name and words",
  ignore: Deno.build.os !== "linux",
  fn() {
    const thrown = (fails: () => unknown) => {
      try {
        fails();
      } catch (error) {
        return systemWords(errorCode(error) ?? "");
      }
    };
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    assert.equal(
      thrown(() => Deno.listen({ hostname: "127.0.0.1", port: taken.addr.port })),
      "address in use",
    );
    assert.equal(thrown(() => Deno.openSync("/nowhere/at/all")), "no such file or folder");
    assert.equal(
      thrown(() => Deno.listen({ hostname: "203.0.113.1", port: 0 })),
      "address not available",
    );
  },
});
