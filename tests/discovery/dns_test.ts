/** What name servers say, and what comes of it. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { rcodes, type Script, StubDns, type StubReply, withAddresses } from "../support/stub_dns.ts";
import { failed, found, ResolverWorld, type WorldOptions } from "./resolver_world.ts";

const app = "app.test";
const here = "127.0.0.1";

/** For tests of silence. */
const soonMs = 100;

/** For tests of silence in which something else has to answer, be the machine ever so busy. */
const patient = { timeoutMs: 200, resolvConf: "options attempts:5" };

/** A name server and a resolver that asks it. */
function dnsTest(
  name: string,
  script: Script,
  test: (dns: StubDns, world: ResolverWorld) => Promise<void>,
  options: Partial<WorldOptions> = {},
): void {
  Deno.test(name, async () => {
    await using dns = new StubDns(script);
    using world = new ResolverWorld({ servers: [dns], ...options });
    await test(dns, world);
  });
}

dnsTest(
  "IPv4 addresses come first and then IPv6 ones, each in the server's order",
  withAddresses("2001:db8::2", "10.0.0.2", "2001:db8::1", "10.0.0.1"),
  async (_dns, world) => {
    assert.deepEqual(await world.lookup(app), found("10.0.0.2", "10.0.0.1", "2001:db8::2", "2001:db8::1"));
  },
);

dnsTest(
  "a name with addresses of one family stands for those",
  withAddresses("2001:db8::1"),
  async (dns, world) => {
    assert.deepEqual(await world.lookup(app), found("2001:db8::1"));
    assert.equal(dns.asked.length, 2);
  },
);

const answers: { readonly [what: string]: [StubReply, string] } = {
  "a name that does not exist": [{ rcode: rcodes.noSuchName }, "host not found"],
  "a name without an address": [{}, "no address"],
  "a server that fails": [{ rcode: rcodes.serverFailure }, "the name server fails (SERVFAIL)"],
  "a server that refuses": [{ rcode: rcodes.refused }, "the name server refuses (127.0.0.1)"],
  "a server that refuses and repeats no question": [
    { rcode: rcodes.refused, question: "none" },
    "the name server refuses (127.0.0.1)",
  ],
  "aliases that lead in a circle": [
    {
      records: [[app, "b.test"], ["b.test", app]].map(([name, data]) => ({
        name: name!,
        type: "CNAME",
        data: data!,
      })),
    },
    "its aliases (CNAME) lead nowhere",
  ],
};

for (const [what, [reply, cause]] of Object.entries(answers)) {
  dnsTest(`${what} is told from the others: ${cause}`, () => reply, async (_dns, world) => {
    assert.deepEqual(await world.lookup(app), failed(cause));
  });
}

dnsTest(
  "aliases are followed inside the answer",
  ({ name, type }) => ({
    records: type === "AAAA" ? [] : [
      { name, type: "CNAME", data: "b.test" },
      { name: "b.test", type: "CNAME", data: "c.test" },
      { name: "c.test", type: "A", data: "10.0.0.3" },
    ],
  }),
  async (_dns, world) => assert.deepEqual(await world.lookup(app), found("10.0.0.3")),
);

const forged = { records: [{ name: app, type: "A", data: "192.0.2.66" }] } as const;
const strangers: { readonly [what: string]: StubReply } = {
  "of another id": { ...forged, idOffset: 1 },
  "to another question": { ...forged, question: { name: "other.test" } },
  "to a question of another type": { ...forged, question: { type: "TXT" } },
  "from another port": { ...forged, fromElsewhere: true },
  "of three bytes": Uint8Array.of(1, 2, 3),
  "of nonsense": new Uint8Array(600).fill(0xc0),
  "of no bytes": new Uint8Array(),
};

for (const [what, stranger] of Object.entries(strangers)) {
  dnsTest(
    `an answer ${what} is passed over, and the right one behind it counts`,
    ({ name, type }) => [stranger, { records: type === "A" ? [{ name, type, data: "10.0.0.1" }] : [] }],
    async (dns, world) => {
      assert.deepEqual(await world.lookup(app), found("10.0.0.1"));
      assert.equal(dns.asked.length, 2);
    },
  );
}

dnsTest(
  "a flood of wrong answers ends the attempt instead of keeping the resolver busy",
  () => new Array<StubReply>(300).fill({ ...forged, idOffset: 1 }),
  async (_dns, world) =>
    assert.deepEqual(await world.lookup(app), failed(`no name server answers (${here})`)),
  { resolvConf: "options timeout:30 attempts:1", maxMs: 60_000 },
);

dnsTest(
  "an answer that does not fit into a datagram comes by TCP",
  ({ name, type, transport }) =>
    transport === "udp" ? { truncated: true } : {
      records: Array.from({ length: 60 }, (_, n) => ({
        name,
        type,
        data: type === "A" ? `10.0.0.${n}` : `2001:db8::${n + 1}`,
      })),
    },
  async (dns, world) => {
    const lookup = await world.lookup(app);
    assert(lookup.kind === "found");
    assert.equal(lookup.addresses.length, 64);
    assert.deepEqual(lookup.addresses.slice(59, 61), ["10.0.0.59", "2001:db8::1"]);
    assert.equal(dns.asked.filter(({ transport }) => transport === "tcp").length, 2);
  },
);

const byTcp: { readonly [what: string]: [StubReply, string] } = {
  "says nothing": ["silent", `no name server answers (${here})`],
  "says nonsense": [Uint8Array.of(1, 2, 3), `no name server answers (${here})`],
  "says nothing of a length": [new Uint8Array(), `no name server answers (${here})`],
  "says that it is cut again": [{ truncated: true }, `no name server answers (${here})`],
  "says another id": [{ ...forged, idOffset: 1 }, `no name server answers (${here})`],
  "refuses": [{ rcode: rcodes.refused }, `the name server refuses (${here})`],
};

for (const [what, [reply, cause]] of Object.entries(byTcp)) {
  dnsTest(
    `a server that by TCP ${what} costs the attempt alone`,
    ({ transport }) => transport === "udp" ? { truncated: true } : reply,
    async (_dns, world) => assert.deepEqual(await world.lookup(app), failed(cause)),
    { timeoutMs: soonMs },
  );
}

dnsTest(
  "a silent server is asked again, as often as the configuration says",
  () => "silent",
  async (dns, world) => {
    assert.deepEqual(await world.lookup(app), failed(`no name server answers (${here})`));
    assert.deepEqual([dns.count(app, "A"), dns.count(app, "AAAA")], [3, 3]);
  },
  { timeoutMs: soonMs, resolvConf: "options attempts:3" },
);

Deno.test("a question that was lost is asked again, alone", async () => {
  let lost = false;
  await using dns = new StubDns(({ name, type }) => {
    if (type === "A") return { records: [{ name, type, data: "10.0.0.1" }] };
    if (!lost) {
      lost = true;
      return "silent";
    }
    return { records: [{ name, type, data: "2001:db8::1" }] };
  });
  using world = new ResolverWorld({ servers: [dns], timeoutMs: 1000 });
  assert.deepEqual(await world.lookup(app), found("10.0.0.1", "2001:db8::1"));
  assert.deepEqual([dns.count(app, "A"), dns.count(app, "AAAA")], [1, 2]);
});

dnsTest(
  "what one family has found counts, though the other's question gets no answer",
  (asked) => asked.type === "A" ? withAddresses("10.0.0.1")(asked) : "silent",
  async (_dns, world) => assert.deepEqual(await world.lookup(app), found("10.0.0.1")),
  patient,
);

dnsTest(
  "what one family has found counts, though the server says of the other that there is no such name",
  (asked) => asked.type === "A" ? withAddresses("10.0.0.1")(asked) : { rcode: rcodes.noSuchName },
  async (_dns, world) => assert.deepEqual(await world.lookup(app), found("10.0.0.1")),
);

for (const what of ["silent", "refused", "serverFailure"] as const) {
  Deno.test(`the next server is asked where the first is no help: ${what}`, async () => {
    await using first = new StubDns(() => what === "silent" ? what : { rcode: rcodes[what] });
    await using second = new StubDns(withAddresses("10.0.0.1"));
    using world = new ResolverWorld({
      servers: [first, second],
      timeoutMs: what === "silent" ? soonMs : 30_000,
    });
    // Only what the second says is waited for: on a machine too busy for that it is asked again.
    assert.deepEqual(await world.lookup(app), found("10.0.0.1"));
    assert(first.count(app, "A") >= 1);
  });
}

Deno.test("a server that cannot be reached costs no time", async () => {
  await using second = new StubDns(withAddresses("10.0.0.1"));
  // Linux sends nothing to port 0.
  using world = new ResolverWorld({ servers: [{ hostname: here, port: 0 }, second], timeoutMs: 30_000 });
  assert.deepEqual(await world.lookup(app), found("10.0.0.1"));
  using lone = new ResolverWorld({ servers: [{ hostname: here, port: 0 }], timeoutMs: 30_000 });
  assert.deepEqual(await lone.lookup(app), failed(`no name server can be reached (${here})`));
});

Deno.test("an IPv6 server is asked like any other", async () => {
  await using dns = new StubDns(withAddresses("10.0.0.1"), { hostname: "::1" });
  using world = new ResolverWorld({ servers: [dns] });
  assert.deepEqual(await world.lookup(app), found("10.0.0.1"));
});

Deno.test("a slow answer is waited for, and meanwhile another lookup is served", async () => {
  const slow = Promise.withResolvers<StubReply>();
  await using dns = new StubDns((asked) =>
    asked.name === app ? slow.promise : withAddresses("10.0.0.2")(asked)
  );
  using world = new ResolverWorld({ servers: [dns], timeoutMs: 30_000 });
  const lookup = world.lookup(app);
  await eventually("the slow questions", () => dns.asked.length === 2);
  assert.deepEqual(await world.lookup("other.test"), found("10.0.0.2"));
  slow.resolve({ rcode: rcodes.noSuchName });
  assert.deepEqual(await lookup, failed("host not found"));
});

const search = "search a.test b.test\noptions ndots:2";
const exists = (...names: readonly string[]): Script => (asked) =>
  names.includes(asked.name) ? withAddresses("10.0.0.1")(asked) : { rcode: rcodes.noSuchName };
const namesAsked = (dns: StubDns) => dns.asked.filter(({ type }) => type === "A").map(({ name }) => name);

dnsTest(
  "a short name is looked for under each domain of the search list, then as it is",
  exists("db.x"),
  async (dns, world) => {
    assert.deepEqual(await world.lookup("db.x"), found("10.0.0.1"));
    assert.deepEqual(namesAsked(dns), ["db.x.a.test", "db.x.b.test", "db.x"]);
  },
  { resolvConf: search },
);

dnsTest(
  "a name with enough dots is looked for as it is, then under the domains",
  exists("db.x.y.b.test"),
  async (dns, world) => {
    assert.deepEqual(await world.lookup("db.x.y"), found("10.0.0.1"));
    assert.deepEqual(namesAsked(dns), ["db.x.y", "db.x.y.a.test", "db.x.y.b.test"]);
  },
  { resolvConf: search },
);

dnsTest("a name with a dot at its end is complete", exists(), async (dns, world) => {
  assert.deepEqual(await world.lookup("db."), failed("host not found"));
  assert.deepEqual(namesAsked(dns), ["db"]);
}, { resolvConf: search });

dnsTest(
  "a failure under one domain does not hide the name under the next",
  (asked) => asked.name === "db.a.test" ? { rcode: rcodes.serverFailure } : exists("db.b.test")(asked),
  async (_dns, world) => {
    assert.deepEqual(await world.lookup("db"), found("10.0.0.1"));
    assert.deepEqual(await world.lookup("gone"), failed("host not found"));
  },
  { resolvConf: search },
);

dnsTest(
  "a silent server is not asked for the name under every domain",
  () => "silent",
  async (dns, world) => {
    assert.deepEqual(await world.lookup("db"), failed(`no name server answers (${here})`));
    assert.deepEqual(new Set(namesAsked(dns)), new Set(["db.a.test"]));
  },
  { resolvConf: search, timeoutMs: soonMs },
);
