import assert from "node:assert/strict";
import { openLibc } from "../../lib/relay/linux/libc.ts";
import { selfTest } from "../../lib/relay/linux/self_test.ts";
import { trackDescriptors } from "../../lib/relay/linux/tracked_descriptors.ts";

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "the self-test passes on this machine and leaves no descriptor open",
  ignore,
  async fn() {
    // Its own alone: other tests of this process open and close theirs meanwhile.
    const owned = new Uint8Array(65_536);
    let sockets = 0;
    const open = () => {
      const libc = openLibc();
      const socket: typeof libc.call.socket = (...words) => (sockets++, libc.call.socket(...words));
      return trackDescriptors({ ...libc, call: { ...libc.call, socket } }, owned);
    };
    assert.equal(await selfTest({ open }), undefined);
    assert.ok(sockets > 0);
    assert.equal(owned.indexOf(1), -1);
  },
});

Deno.test({
  name: "the self-test has nothing against a machine without a loopback",
  ignore,
  async fn() {
    let failed = false;
    const open = () => {
      const libc = openLibc();
      const bind = () => (failed = true, -1);
      return { ...libc, call: { ...libc.call, bind }, errno: () => failed ? 99 : libc.errno() };
    };
    assert.equal(await selfTest({ open, timeoutMs: 200 }), undefined);
    assert.ok(failed);
  },
});

for (
  const { name, broken, says } of [
    { name: "splice is missing", broken: { splice: () => -1 }, says: /early|end/ },
    { name: "a reset arrives as a clean end", broken: { setsockopt: () => 0 }, says: /reset|end/ },
    {
      name: "epoll hands out other descriptors",
      broken: { epoll_wait: () => 0 },
      says: /did not come to its end/,
    },
    { name: "there are no sockets", broken: { socket: () => -1 }, says: /^socket: / },
  ]
) {
  Deno.test({
    name: `the self-test fails, and says at what, where ${name}`,
    ignore,
    async fn() {
      const open = () => {
        const libc = openLibc();
        return { ...libc, call: { ...libc.call, ...broken } };
      };
      assert.match(await selfTest({ open, timeoutMs: 200 }) ?? "passed", says);
    },
  });
}
