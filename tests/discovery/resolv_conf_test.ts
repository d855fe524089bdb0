import assert from "node:assert/strict";
import fc from "fast-check";
import { parseResolvConf } from "../../lib/discovery/resolv_conf.ts";

Deno.test("an empty resolver configuration means this machine's own name server, and the usual numbers", () => {
  assert.deepEqual(parseResolvConf(""), {
    servers: ["127.0.0.1"],
    search: [],
    ndots: 1,
    timeoutMs: 5000,
    attempts: 2,
  });
});

Deno.test("a resolver configuration gives servers, search list and options", () => {
  const text = [
    "; a comment",
    "# another",
    "nameserver 10.0.0.10",
    "nameserver\t2001:DB8::53",
    "search default.svc.cluster.local SVC.cluster.local. cluster.local",
    "options ndots:5 timeout:1 attempts:3 rotate edns0",
  ].join("\n");
  assert.deepEqual(parseResolvConf(text), {
    servers: ["10.0.0.10", "2001:db8::53"],
    search: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"],
    ndots: 5,
    timeoutMs: 1000,
    attempts: 3,
  });
});

Deno.test("of servers three count, those with a scope and those that are none do not", () => {
  const servers = ["fe80::1%eth0", "dns.test", "0.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"];
  const { servers: read } = parseResolvConf(servers.map((server) => `nameserver ${server}\n`).join(""));
  assert.deepEqual(read, ["127.0.0.1", "10.0.0.1", "10.0.0.2"]);
});

Deno.test("the last of search and domain counts, and numbers keep within the bounds of the C library", () => {
  const { search, ndots, timeoutMs, attempts } = parseResolvConf(
    "search a.test b.test\ndomain c.test d.test\noptions timeout:999 attempts:0\noptions ndots:99 timeout:x\n",
  );
  assert.deepEqual({ search, ndots, timeoutMs, attempts }, {
    search: ["c.test"],
    ndots: 15,
    timeoutMs: 30_000,
    attempts: 1,
  });
});

Deno.test("no text of a resolver configuration makes the parser throw, and what it gives is bounded", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "nameserver",
      "search",
      "options",
      "ndots:",
      "timeout:",
      "1",
      "::1",
      " ",
      "\n",
      ".",
      "\u2028",
      "ü",
    ),
    fc.string({ unit: "binary-ascii", maxLength: 8 }),
  );
  fc.assert(fc.property(fc.array(word, { maxLength: 60 }), (words) => {
    const { servers, search, ndots, timeoutMs, attempts } = parseResolvConf(words.join(""));
    assert(servers.length >= 1 && servers.length <= 3);
    assert(search.length <= 32);
    assert(ndots >= 0 && ndots <= 15);
    assert(timeoutMs >= 1000 && timeoutMs <= 30_000);
    assert(attempts >= 1 && attempts <= 5);
  }));
});
