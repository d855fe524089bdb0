/** Names by the system's files, without a name server, and what a lookup holds while it lasts. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { StubDns, withAddresses } from "../support/stub_dns.ts";
import { failed, found, ResolverWorld } from "./resolver_world.ts";

const silent = () => "silent" as const;

Deno.test("an address stands for itself, and a name of the hosts file for what stands there", async () => {
  await using dns = new StubDns(silent);
  using world = new ResolverWorld({
    servers: [dns],
    hosts: "127.0.0.2 pair.test\n127.0.0.3 pair.test\n::1 six.test\n",
  });
  assert.deepEqual(await world.lookup("10.0.0.1"), found("10.0.0.1"));
  assert.deepEqual(await world.lookup("2001:DB8::0:1"), found("2001:db8::1"));
  assert.deepEqual(await world.lookup("Pair.Test."), found("127.0.0.2", "127.0.0.3"));
  assert.deepEqual(await world.lookup("six.test"), found("::1"));
  assert.deepEqual(dns.asked, []);
});

Deno.test("localhost is this machine, whatever DNS says, unless the hosts file says otherwise", async () => {
  await using dns = new StubDns(withAddresses("192.0.2.1"));
  using world = new ResolverWorld({ servers: [dns], hosts: "127.0.0.1 localhost\n" });
  assert.deepEqual(await world.lookup("localhost"), found("127.0.0.1"));
  assert.deepEqual(await world.lookup("app.localhost"), found("127.0.0.1", "::1"));
  assert.deepEqual(dns.asked, []);
});

Deno.test("a change of the hosts file counts at the next lookup", async () => {
  await using dns = new StubDns(withAddresses("192.0.2.1"));
  using world = new ResolverWorld({ servers: [dns], hosts: "10.0.0.1 app.test\n" });
  assert.deepEqual(await world.lookup("app.test"), found("10.0.0.1"));
  world.writeHosts("10.0.0.2 app.test\n");
  assert.deepEqual(await world.lookup("app.test"), found("10.0.0.2"));
  world.writeHosts("");
  assert.deepEqual(await world.lookup("app.test"), found("192.0.2.1"));
});

Deno.test("a large hosts file is read once a second, however many names are looked up", async () => {
  await using dns = new StubDns(withAddresses("192.0.2.1"));
  let now = 0;
  const blocked = Array.from({ length: 20_000 }, (_, n) => `0.0.0.0 n${n}.test\n`).join("");
  using world = new ResolverWorld({ servers: [dns], hosts: `${blocked}10.0.0.1 app.test\n`, now: () => now });
  assert.deepEqual(await world.lookup("app.test"), found("10.0.0.1"));
  world.writeHosts("10.0.0.2 app.test\n");
  now = 999;
  assert.deepEqual(await world.lookup("app.test"), found("10.0.0.1"));
  now = 1000;
  assert.deepEqual(await world.lookup("app.test"), found("10.0.0.2"));
});

Deno.test("without a hosts file, or with something else in its place, DNS is asked all the same", async () => {
  await using dns = new StubDns(withAddresses("192.0.2.1"));
  using world = new ResolverWorld({ servers: [dns], hosts: "10.0.0.1 app.test\n" });
  const path = `${world.folder}/hosts`;
  Deno.removeSync(path);
  assert.deepEqual(await world.lookup("app.test"), found("192.0.2.1"));
  Deno.mkdirSync(path);
  assert.deepEqual(await world.lookup("app.test"), found("192.0.2.1"));
  Deno.removeSync(path);
  // Opening a FIFO that nobody writes to would never end.
  new Deno.Command("mkfifo", { args: [path] }).outputSync();
  assert.deepEqual(await world.lookup("app.test"), found("192.0.2.1"));
});

Deno.test("what is no host name is not asked for", async () => {
  await using dns = new StubDns(withAddresses("192.0.2.1"));
  using world = new ResolverWorld({ servers: [dns] });
  for (
    const host of ["", ".", "a..b", "two words", "x".repeat(64), "a.".repeat(200), "line\nbreak", "ümlaut"]
  ) {
    assert.deepEqual(await world.lookup(host), failed("not a host name"), host);
  }
  assert.deepEqual(dns.asked, []);
});

Deno.test("a lookup that is given up ends at once, with nothing left open", async () => {
  await using dns = new StubDns(silent);
  using world = new ResolverWorld({ servers: [dns], resolvConf: "options timeout:30 attempts:5" });
  const leaving = new AbortController();
  const lookup = world.lookup("app.test", leaving.signal);
  await eventually("both questions", () => dns.asked.length === 2);
  leaving.abort();
  assert.equal((await lookup).kind, "failed");
  assert.equal((await world.lookup("app.test", leaving.signal)).kind, "failed");
  assert.equal(dns.asked.length, 2);
});

Deno.test("a lookup by TCP that is given up ends at once, with nothing left open", async () => {
  await using dns = new StubDns(({ transport }) => transport === "udp" ? { truncated: true } : "silent");
  using world = new ResolverWorld({ servers: [dns], resolvConf: "options timeout:30 attempts:5" });
  const leaving = new AbortController();
  const lookup = world.lookup("app.test", leaving.signal);
  await eventually("both questions again", () => dns.asked.length === 4);
  leaving.abort();
  assert.equal((await lookup).kind, "failed");
});

Deno.test("a lookup has an end of its own, however many servers and attempts there are", async () => {
  await using dns = new StubDns(silent);
  using world = new ResolverWorld({
    servers: [dns, dns, dns],
    resolvConf: "options timeout:30 attempts:5",
    maxMs: 50,
  });
  assert.deepEqual(
    await world.lookup("app.test"),
    failed("no name server answers (127.0.0.1, 127.0.0.1, 127.0.0.1)"),
  );
});

Deno.test("lookups that ask a silent server are bounded, wait in order, and the hosts file waits for none", async () => {
  await using dns = new StubDns(silent);
  using world = new ResolverWorld({ servers: [dns], hosts: "10.0.0.1 known.test\n", maxLookups: 2 });
  const leaving = ["a.test", "b.test", "c.test", "d.test"].map((host) => ({
    host,
    stop: new AbortController(),
  }));
  const lookups = leaving.map(({ host, stop }) => world.lookup(host, stop.signal));
  const names = () => [...new Set(dns.asked.map(({ name }) => name))].sort();
  await eventually("four questions", () => dns.asked.length === 4);
  assert.deepEqual(await world.lookup("known.test"), found("10.0.0.1"));
  assert.deepEqual(names(), ["a.test", "b.test"]);
  leaving[1]!.stop.abort();
  await eventually("two questions more", () => dns.asked.length === 6);
  assert.deepEqual(names(), ["a.test", "b.test", "c.test"]);
  for (const { stop } of leaving) stop.abort();
  await Promise.all(lookups);
});

Deno.test("where the system has no such files, Deno's own DNS client is asked", async () => {
  await using dns = new StubDns(withAddresses("2001:db8::1", "192.0.2.1"));
  using world = new ResolverWorld({ servers: [dns], hasFiles: false });
  assert.deepEqual(await world.lookup("app.test."), found("192.0.2.1", "2001:db8::1"));
  dns.script = () => ({ rcode: 3 });
  assert.deepEqual(await world.lookup("gone.test."), failed("host not found"));
});
