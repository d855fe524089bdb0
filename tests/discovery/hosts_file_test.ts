import assert from "node:assert/strict";
import fc from "fast-check";
import { parseHosts } from "../../lib/discovery/hosts_file.ts";

const parse = (text: string) => Object.fromEntries(parseHosts(text, { maxAddresses: 3 }));

Deno.test("a hosts file gives a name its addresses of both families in the order of its lines", () => {
  const text = [
    "# a comment",
    "127.0.0.2\tpair.test   alias.test # and another",
    "   127.0.0.3 PAIR.test.\r",
    "",
    "2001:DB8:0::1 pair.test",
  ].join("\n");
  assert.deepEqual(parse(text), {
    "pair.test": ["127.0.0.2", "127.0.0.3", "2001:db8::1"],
    "alias.test": ["127.0.0.2"],
  });
});

Deno.test("a hosts file gives each address once, and no more than there may be", () => {
  const lines = [1, 2, 2, 3, 4].map((last) => `10.0.0.${last} many.test`);
  assert.deepEqual(parse(lines.join("\n")), { "many.test": ["10.0.0.1", "10.0.0.2", "10.0.0.3"] });
});

Deno.test("lines of a hosts file that hold no address are passed over", () => {
  const text =
    "300.0.0.1 a.test\n1.2.3 b.test\nfe80::1%lo0 c.test\n#1.2.3.4 d.test\nname e.test\n127.0.0.1\n::1 f.test";
  assert.deepEqual(parse(text), { "f.test": ["::1"] });
});

Deno.test("names of a hosts file that mean something to JavaScript are names like others", () => {
  assert.deepEqual(parseHosts("10.0.0.1 constructor __proto__", { maxAddresses: 3 }).get("__proto__"), [
    "10.0.0.1",
  ]);
  assert.equal(parseHosts("", { maxAddresses: 3 }).get("constructor"), undefined);
});

Deno.test("no text of a hosts file makes the parser throw, and what it gives is bounded", () => {
  const word = fc.oneof(
    fc.constantFrom("127.0.0.1", "::1", "a", "#", " ", "\t", "\n", "\r\n", "fe80::1%eth0", "\u2028", "ü"),
    fc.string({ unit: "binary-ascii", maxLength: 8 }),
  );
  fc.assert(fc.property(fc.array(word, { maxLength: 40 }), (words) => {
    for (const addresses of parseHosts(words.join(""), { maxAddresses: 3 }).values()) {
      assert(addresses.length >= 1 && addresses.length <= 3);
    }
  }));
});
