import assert from "node:assert/strict";
import { loadConfig } from "../../lib/config/load.ts";
import { Balancer } from "../../lib/control/balancer.ts";
import type { BalancerEvent } from "../../lib/control/events.ts";
import { warmUp } from "../../lib/dataplane/warm_up.ts";
import { dialAsClient } from "../../lib/relay/portable/connect.ts";
import { portableEngine } from "../../lib/relay/portable/engine.ts";
import type { SocketAddress } from "../../lib/values/address.ts";
import { within } from "../support/eventually.ts";
import { MemoryEngine } from "../support/memory_engine.ts";
import { yaml } from "../support/yaml.ts";

function dialling(engine: MemoryEngine) {
  return (address: SocketAddress) => Promise.resolve(engine.dial(address));
}

Deno.test("a thread warms itself by sessions that leave nothing open", async () => {
  const engine = new MemoryEngine();
  assert(await warmUp({ engine, dial: dialling(engine) }) > 0);
  assert.equal(engine.openSockets, 0);
});

Deno.test("it does so with sockets, too", async () => {
  assert(await warmUp({ engine: portableEngine(), dial: dialAsClient }) > 0);
});

Deno.test("a machine without a loopback has threads that are not warm", async () => {
  const engine = new MemoryEngine();
  engine.listen = () => {
    throw new Deno.errors.AddrNotAvailable("no such address");
  };
  assert.equal(await warmUp({ engine, dial: dialling(engine) }), 0);
});

Deno.test("a loopback that takes no connection has threads that are not warm, and nothing stays open", async () => {
  const engine = new MemoryEngine();
  const dial = () => Promise.reject(new Deno.errors.ConnectionRefused("nobody there"));
  assert.equal(await warmUp({ engine, dial }), 0);
  assert.equal(engine.openSockets, 0);
});

Deno.test("sessions that do not get through hold up no thread", async () => {
  const engine = new MemoryEngine();
  engine.connect = () => Promise.resolve({ kind: "failed", failure: "unreachable", detail: "unreachable" });
  assert.equal(await within("the end", warmUp({ engine, dial: dialling(engine) })), 0);
  assert.equal(engine.openSockets, 0);
});

Deno.test("a machine that is slow has fewer of them", async () => {
  const engine = new MemoryEngine();
  let now = 0;
  engine.now = () => now += 10_000;
  assert(await warmUp({ engine, dial: dialling(engine) }) <= 1);
});

const engines = Deno.build.os === "linux" ? ["portable", "linux"] as const : ["portable"] as const;
for (const engine of engines) {
  Deno.test(`what a thread warms itself by is neither counted nor reported, engine ${engine}`, async () => {
    const loaded = loadConfig(
      yaml({
        targets: ["127.0.0.1:9"],
        process: `engine: ${engine}, workers: 2`,
        top: "log: { access: all }",
      }),
      { file: "lb.yaml", env: () => undefined },
    );
    assert.ok("config" in loaded);
    const events: BalancerEvent[] = [];
    const balancer = new Balancer({ config: loaded.config, onEvent: (event) => events.push(event) });
    await balancer.start();
    try {
      const { listeners, pools } = balancer.state();
      const { total } = listeners["web"]!;
      assert.deepEqual([total, pools["app"]!.targets[0]!.total], [0, 0]);
      assert.equal(balancer.openSessions, 0);
    } finally {
      await balancer.drain();
    }
    const ofSessions = ["closed", "failedAttempts", "acceptErrors", "lost", "fault"];
    assert.deepEqual(events.filter(({ kind }) => ofSessions.includes(kind)), []);
  });
}
