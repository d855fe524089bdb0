/** Row 43 of the acceptance table: a reload adds a listener on a taken port. All or nothing. */
import assert from "node:assert/strict";
import { exchange } from "../support/client.ts";
import { ClientStream } from "../support/client_stream.ts";
import { listeningInodes } from "../support/kernel_sockets.ts";
import { RunningLb } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { named, Target } from "../support/target.ts";
import { TextFile } from "../support/text_file.ts";
import { assertReloaded, assertReloadRefused, fronts, isClosed } from "./fronts.ts";

Deno.test("a reload with a listener on a taken port is refused whole, names address and cause, and the rest runs on", async () => {
  using stays = new ReservedPort();
  using before = new ReservedPort();
  using behind = new ReservedPort();
  using moved = new ReservedPort();
  await using file = await TextFile.write("not a socket");
  await using one = new Target(named("one"));
  await using two = new Target(named("two"));
  const web = [stays.address, "app"] as const;
  const start = fronts({ listeners: { web, old: [moved.address, "app"] }, pools: { app: [one] } });
  await using lb = await RunningLb.start(start);
  const inodes = listeningInodes(stays.port);
  await using stream = new ClientStream({ port: stays.port, hostname: stays.hostname });
  let holder: Target | undefined = new Target(named("holder"), { hostname: "127.78.0.1" });
  await using _last = { [Symbol.asyncDispose]: async () => await holder?.[Symbol.asyncDispose]() };
  const taken = holder.address;

  const cases = [
    [taken, "address in use; stop what holds it or bind elsewhere"],
    ["203.0.113.7:8080", "this machine has no address 203.0.113.7"],
    [`unix:${file.path}`, "there is something else than a socket"],
    ["unix:/run/no-such-folder/lb.sock", "no folder /run/no-such-folder"],
    ["no-such-name.invalid:8080", "host no-such-name.invalid not found"],
  ] as const;
  for (const [bind, cause] of cases) {
    // One listener is new in front of the one that fails, one behind it; one goes, and the pool has another target.
    const line = await lb.reload(fronts({
      listeners: { early: [before.address, "app"], web, bad: [bind, "app"], late: [behind.address, "app"] },
      pools: { app: [two] },
    }));

    assertReloadRefused(line, "listener bad cannot listen on", bind, cause, "generation 1 stays in force");
    for (const port of [before, behind]) {
      assert.ok(await isClosed(port.port, port.hostname), `${port.address} is not bound`);
    }
    assert.equal(
      await exchange(moved.port, "-", moved.hostname),
      "one",
      "the listener that would go serves on",
    );
  }
  assert.deepEqual(Object.keys(await stream.stop()), ["one"]);
  assert.deepEqual(listeningInodes(stays.port), inodes);

  // What was in the way has gone: the same file comes into force.
  await holder[Symbol.asyncDispose]();
  holder = undefined;
  const line = await lb.reload(fronts({
    listeners: { early: [before.address, "app"], web, bad: [taken, "app"], late: [behind.address, "app"] },
    pools: { app: [two] },
  }));
  assertReloaded(line, "generation 2", "listener early is new", "listener old is gone");
  for (const { port, hostname } of [before, behind, stays]) {
    assert.equal(await exchange(port, "-", hostname), "two");
  }
});

Deno.test("an address that another lb serves is taken, also for a listener whose port this one serves elsewhere", async () => {
  using port = new ReservedPort();
  const elsewhere = `127.78.0.1:${port.port}`;
  await using one = new Target(named("one"));
  await using two = new Target(named("two"));
  const config = (bind: string | string[], target: Target) =>
    fronts({ listeners: { web: [bind, "app"] }, pools: { app: [target] } });
  await using _other = await RunningLb.start(config(elsewhere, two));
  await using lb = await RunningLb.start(config(port.address, one));

  const line = await lb.reload(config([port.address, elsewhere], one));

  assertReloadRefused(line, `listener web cannot listen on ${elsewhere}: address in use; stop what holds it`);
  for (let client = 0; client < 20; client++) {
    assert.equal(await exchange(port.port, "-", "127.78.0.1"), "two");
    assert.equal(await exchange(port.port, "-", port.hostname), "one");
  }
});

Deno.test("a reload of two listeners that come to the same address by different names is refused and says so", async () => {
  using port = new ReservedPort();
  await using target = new Target(named("app"));
  const pools = { app: [target] };
  const web = ["127.0.0.1:0", "app"] as const;
  await using lb = await RunningLb.start(fronts({ listeners: { web }, pools }));
  const twice = fronts({ listeners: { web, a: [port.address, "app"], b: [port.address, "app"] }, pools });

  const line = await lb.reload(twice);

  assertReloadRefused(line, "generation 1 stays in force");
  assert.ok(
    lb.lines.some(({ message }) => message?.includes(`listeners.b.bind: "${port.address}" is already bound`)),
  );
  assert.ok(await isClosed(port.port, port.hostname));
  assert.equal(await exchange(lb.port(), "-"), "app");
});
