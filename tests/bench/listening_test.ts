import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { hasListener, listens } from "./listening.ts";

const table =
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 020012C6:1F91 030012C6:0050 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
`;

Deno.test("a listener is found by its address and port, and a connection is none", () => {
  assert.equal(hasListener(table, { address: "127.0.0.1", port: 8080 }), true);
  assert.equal(hasListener(table, { address: "127.0.0.1", port: 8081 }), false);
  assert.equal(hasListener(table, { address: "127.0.0.2", port: 8080 }), false);
  assert.equal(hasListener(table, { address: "198.18.0.2", port: 8081 }), false);
});

Deno.test({
  name: "a server's own listener is seen as long as it is open, and a process that is gone has none",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const endpoint = { address: "127.0.0.1", port: listener.addr.port };
    assert.equal(listens(Deno.pid, endpoint), true);
    assert.equal(listens(2 ** 30, endpoint), false);
    listener.close();
    // A child of another test, between its fork and its exec, has the listener open for some milliseconds more.
    await eventually("the end of a closed listener", () => !listens(Deno.pid, endpoint));
  },
});
