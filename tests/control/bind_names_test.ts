import assert from "node:assert/strict";
import { ListenError } from "../../lib/control/listeners.ts";
import type { BindFailure } from "../../lib/dataplane/messages.ts";
import { BalancerWorld } from "./balancer_world.ts";

const missing: BindFailure = { code: "EADDRNOTAVAIL", message: "this machine does not have it" };

function file(bind: string, more = ""): string {
  return `process: { workers: 2, maxConnections: 20 }
listeners: { web: { bind: ${bind}, pool: app }${more} }
pools: { app: { targets: ["10.0.0.1:1"] } }
`;
}

const both = { answers: { "home.test": ["127.0.0.1", "::1"] } };

function bound(world: BalancerWorld, listener = "web"): readonly string[] | undefined {
  return world.balancer.state().listeners[listener]?.bind;
}

Deno.test("a listener is bound to every address that its host name stands for", async () => {
  await using world = new BalancerWorld(file(`"home.test:80"`), both);
  await world.start();
  assert.deepEqual(bound(world), ["127.0.0.1:80", "[::1]:80"]);
  assert.deepEqual([...world.threads.bound.keys()], ["127.0.0.1:80", "[::1]:80"]);
  assert.deepEqual(world.snapshot.listeners[0]?.binds, ["127.0.0.1:80", "[::1]:80"]);
});

Deno.test("an address of a host name that this machine lacks is left out, reported, and no part of the state", async () => {
  await using world = new BalancerWorld(file(`"home.test:80"`), both);
  world.taken.set("[::1]:80", missing);
  await world.start();
  assert.deepEqual(world.eventsOf("bindSkipped"), [{
    kind: "bindSkipped",
    listener: "web",
    address: "[::1]:80",
    why: missing.message,
  }]);
  assert.deepEqual([...world.threads.bound.keys()], ["127.0.0.1:80"]);
  assert.deepEqual(bound(world), ["127.0.0.1:80"]);
  assert.deepEqual(world.snapshot.listeners[0]?.binds, ["127.0.0.1:80"]);

  // Once the machine has it, the next reload binds it, and it alone.
  world.taken.clear();
  world.threads.calls.length = 0;
  const result = await world.reload(file(`"home.test:80"`));
  assert.ok(result.kind === "reloaded");
  assert.deepEqual(world.threads.calls[0], "bind [::1]:80");
  assert.deepEqual(bound(world), ["127.0.0.1:80", "[::1]:80"]);
});

for (const code of ["EADDRINUSE", "EACCES"]) {
  Deno.test(`an address of a host name that fails with ${code} is no such case: the start fails`, async () => {
    await using world = new BalancerWorld(file(`"home.test:80"`), both);
    world.taken.set("[::1]:80", { code, message: "no" });
    await assert.rejects(world.run(world.balancer.start()), (error) => {
      assert.ok(error instanceof ListenError);
      assert.deepEqual([error.listener, error.address], ["web", { kind: "tcp", host: "::1", port: 80 }]);
      return true;
    });
    assert.deepEqual([...world.threads.bound], []);
  });
}

Deno.test("an address that this machine lacks is an error where it is written as such", async () => {
  await using world = new BalancerWorld(file(`"192.0.2.1:80"`));
  world.taken.set("192.0.2.1:80", missing);
  await assert.rejects(world.run(world.balancer.start()), ListenError);
});

Deno.test("an address that this machine lacks is an error where it is written as such, also when a name stands for it", async () => {
  await using world = new BalancerWorld(file(`["[::1]:81", "home.test:80"]`), both);
  for (const address of ["[::1]:80", "[::1]:81"]) world.taken.set(address, missing);
  await assert.rejects(world.run(world.balancer.start()), (error) => {
    assert.ok(error instanceof ListenError);
    assert.deepEqual(error.address, { kind: "tcp", host: "::1", port: 81 });
    return true;
  });
});

Deno.test("a listener with a host name of whose addresses this machine has none is refused, not left without a bind", async () => {
  await using world = new BalancerWorld(file(`["127.0.0.1:1", "home.test:80"]`), both);
  for (const address of ["127.0.0.1:80", "[::1]:80"]) world.taken.set(address, missing);
  await assert.rejects(world.run(world.balancer.start()), (error) => {
    assert.ok(error instanceof ListenError);
    assert.equal(error.message, missing.message);
    assert.deepEqual(error.address, { kind: "tcp", host: "127.0.0.1", port: 80 });
    return true;
  });
  assert.deepEqual(world.eventsOf("bindSkipped"), []);
});

Deno.test("two names for one address are refused with both listeners", async () => {
  await using world = new BalancerWorld(
    file(`"home.test:80"`, `, api: { bind: "127.0.0.1:80", pool: app }`),
    both,
  );
  await assert.rejects(
    world.run(world.balancer.start()),
    /listeners web and api: bound to 127\.0\.0\.1:80 by different names; choose another port for one of them/,
  );
});

Deno.test("a reload whose lookup of a bound name fails keeps the addresses that it had", async () => {
  await using world = new BalancerWorld(file(`"home.test:80"`), both);
  await world.start();
  world.resolver.answers.delete("home.test");
  world.threads.calls.length = 0;
  assert.equal((await world.reload(file(`"home.test:80"`))).kind, "reloaded");
  assert.deepEqual(world.threads.calls, ["publish 2", "accept"]);
  assert.deepEqual(bound(world), ["127.0.0.1:80", "[::1]:80"]);
});

Deno.test("a reload binds what a name stands for by now and unbinds what it stood for before", async () => {
  await using world = new BalancerWorld(file(`"home.test:80"`), both);
  await world.start();
  world.resolver.answers.set("home.test", ["127.0.0.1", "127.0.0.2"]);
  world.threads.calls.length = 0;
  assert.equal((await world.reload(file(`"home.test:80"`))).kind, "reloaded");
  assert.deepEqual(world.threads.calls, ["bind 127.0.0.2:80", "publish 2", "accept", "unbind [::1]:80"]);
});

Deno.test("a reload that fails after a bound name has changed leaves the binds as they are", async () => {
  await using world = new BalancerWorld(file(`"home.test:80"`), both);
  await world.start();
  world.resolver.answers.set("home.test", ["127.0.0.2"]);
  world.taken.set("127.0.0.2:80", { code: "EADDRINUSE", message: "in use" });
  assert.equal((await world.reload(file(`"home.test:80"`))).kind, "refused");
  assert.deepEqual(bound(world), ["127.0.0.1:80", "[::1]:80"]);
  world.taken.clear();
  world.threads.calls.length = 0;
  assert.equal((await world.reload(file(`"home.test:80"`))).kind, "reloaded");
  assert.deepEqual(world.threads.calls, [
    "bind 127.0.0.2:80",
    "publish 2",
    "accept",
    "unbind 127.0.0.1:80 [::1]:80",
  ]);
});

Deno.test("a name of a bind that nobody answers for ends a start after some seconds with the listener and the cause", async () => {
  await using world = new BalancerWorld(file(`"home.test:80"`), { answers: { "home.test": "silent" } });
  await assert.rejects(world.run(world.balancer.start()), (error) => {
    assert.ok(error instanceof ListenError);
    assert.deepEqual([error.listener, error.message], ["web", "given up"]);
    return true;
  });
});
