/** A test that leaves a listener, an operation and a timer behind: `.ci/run` has to see it fail on every Deno. */
Deno.test("leaves behind what the sanitizers must find", () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.accept().catch(() => {});
  setTimeout(() => {}, 60_000);
});
