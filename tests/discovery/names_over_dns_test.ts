/** Row 53 of the acceptance table: a target's name that does not exist, is slow, changes or is empty. */
import assert from "node:assert/strict";
import { Names, type NameState } from "../../lib/discovery/names.ts";
import { FakeClock, seeded } from "../health/support/fake_clock.ts";
import { eventually } from "../support/eventually.ts";
import { rcodes, type Script, StubDns, type StubReply, withAddresses } from "../support/stub_dns.ts";
import { ResolverWorld } from "./resolver_world.ts";

const app = "app.test";
const intervalMs = 30_000;
/** The longest that an interval gets by its jitter. */
const longestMs = 33_000;

const bad: { readonly [what: string]: [Script, string] } = {
  "does not exist any more": [() => ({ rcode: rcodes.noSuchName }), "host not found"],
  "is empty": [() => ({}), "no address"],
  "is refused": [() => ({ rcode: rcodes.refused }), "the name server refuses (127.0.0.1)"],
  "cannot be said by its server": [
    () => ({ rcode: rcodes.serverFailure }),
    "the name server fails (SERVFAIL)",
  ],
  "is answered with nonsense, or with silence": [
    () => Uint8Array.of(1),
    "no name server answers (127.0.0.1)",
  ],
};

for (const [what, [script, problem]] of Object.entries(bad)) {
  Deno.test(`a name that ${what} keeps its last good answer, and what it is next counts`, async () => {
    await using dns = new StubDns(withAddresses("10.0.0.1", "2001:db8::1"));
    using world = new ResolverWorld({ servers: [dns], resolvConf: "options timeout:1 attempts:1" });
    const changes: NameState[] = [];
    const clock = new FakeClock();
    await using names = new Names({
      resolver: world.resolver,
      clock,
      random: seeded(1),
      onChange: (state) => changes.push(state),
    });
    names.watch(new Map([[app, intervalMs]]));
    await eventually("the first answer", () => changes.length === 1);

    dns.script = script;
    await clock.advance(longestMs);
    await eventually("the problem", () => changes.length === 2);
    assert.deepEqual(changes[1]!.addresses, ["10.0.0.1", "2001:db8::1"]);
    assert.equal(changes[1]!.problem, problem);

    dns.script = withAddresses("10.0.0.2");
    await eventually("a good answer again", async () => {
      await clock.advance(1100);
      return changes.find(({ addresses }) => addresses[0] === "10.0.0.2");
    });
    const { addresses, problem: left } = names.state(app)!;
    assert.deepEqual({ addresses, left }, { addresses: ["10.0.0.2"], left: undefined });
  });
}

Deno.test("a slow answer blocks no other name, and what was known is used meanwhile", async () => {
  const slow = Promise.withResolvers<StubReply>();
  await using dns = new StubDns(withAddresses("10.0.0.1"));
  using world = new ResolverWorld({ servers: [dns], hosts: "10.0.0.9 known.test\n", timeoutMs: 30_000 });
  const clock = new FakeClock();
  await using names = new Names({ resolver: world.resolver, clock, random: seeded(2), onChange: () => {} });
  names.watch(new Map([[app, intervalMs]]));
  await names.firstLookups(60_000);
  assert.deepEqual(names.state(app)!.addresses, ["10.0.0.1"]);

  dns.script = (asked) => asked.name === app ? slow.promise : withAddresses("10.0.0.3")(asked);
  const before = dns.asked.length;
  await clock.advance(longestMs);
  await eventually("the slow question", () => dns.asked.length >= before + 2);
  names.watch(new Map([[app, intervalMs], ["known.test", intervalMs], ["other.test", intervalMs]]));
  await names.firstLookups(60_000);
  assert.deepEqual(names.state("known.test")!.addresses, ["10.0.0.9"]);
  assert.deepEqual(names.state("other.test")!.addresses, ["10.0.0.3"]);
  const { addresses, problem } = names.state(app)!;
  assert.deepEqual({ addresses, problem }, { addresses: ["10.0.0.1"], problem: undefined });

  slow.resolve({ rcode: rcodes.noSuchName });
  await eventually("the slow answer", () => names.state(app)!.problem === "host not found");
  assert.deepEqual(names.state(app)!.addresses, ["10.0.0.1"]);
});
