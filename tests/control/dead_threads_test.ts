import assert from "node:assert/strict";
import { loadConfig } from "../../lib/config/load.ts";
import { Balancer } from "../../lib/control/balancer.ts";
import type { BalancerEvent } from "../../lib/control/events.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const threadModule = new URL("./dying_thread.ts", import.meta.url);
const clients = 24;

function configured(text: string) {
  const loaded = loadConfig(text, { file: "lb.yaml", env: () => undefined });
  assert.ok("config" in loaded);
  return loaded.config;
}

/** How many sockets listen on a port of 127.0.0.1. */
function listening(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = Deno.readTextFileSync("/proc/net/tcp").split("\n").map((row) => row.trim().split(/\s+/));
  return rows.filter((row) => row[1] === local && row[3] === "0A").length;
}

const engines = Deno.build.os === "linux" ? ["portable", "linux"] as const : ["portable"] as const;

for (const engine of engines) {
  Deno.test(`a data-plane thread that dies is reported, its sessions end and are counted out, and it starts again, engine ${engine}`, async () => {
    await using target = new Target(echo);
    const config = configured(yaml({ targets: [target.address], process: `engine: ${engine}, workers: 2` }));
    const events: BalancerEvent[] = [];
    const balancer = new Balancer({ config, threadModule, onEvent: (event) => events.push(event) });
    const started = await balancer.start();
    assert.notEqual(started, "stopped");
    if (started === "stopped") return;
    const [bind = ""] = balancer.state().listeners["web"]!.bind;
    const port = Number(bind.split(":").at(-1));
    try {
      using opened = new DisposableStack();
      const open = [];
      for (let index = 0; index < clients; index++) open.push(opened.use(await Client.served(port)));
      assert.equal(balancer.openSessions, clients);

      assert.equal((await balancer.reload(config)).kind, "reloaded");
      const death = await eventually("a death", () => events.find((event) => event.kind === "death"));
      assert.equal(death.kind, "death");
      if (death.kind !== "death") return;
      assert.equal(death.death.worker, 0);
      assert.match(death.death.cause, /thread 0 has had enough/);
      const lost = death.death.sessions;
      assert.equal(balancer.openSessions, clients - lost);
      assert.equal(balancer.state().pools["app"]!.targets[0]!.active, clients - lost);

      // Who was with the other thread has noticed nothing, and who was with this one is told.
      const alive = await Promise.all(open.map((client) => client.isEchoed("still there")));
      assert.equal(alive.filter((isAlive) => isAlive).length, clients - lost);

      await eventually("both threads serve again", async () => {
        for (let index = 0; index < 8; index++) {
          using client = await Client.open(port);
          if (!await client.isEchoed("hello")) return false;
        }
        return listening(port) === 2;
      });
      assert.equal(events.filter((event) => event.kind === "death").length, 1);
    } finally {
      await balancer.drain();
    }
    assert.equal(balancer.openSessions, 0);
  });
}

for (const engine of engines) {
  Deno.test(`ids of sessions never repeat, also after a thread has died and started again, engine ${engine}`, async () => {
    await using target = new Target(echo);
    const config = configured(
      yaml({
        targets: [target.address],
        process: `engine: ${engine}, workers: 2`,
        top: "log: { access: all }",
      }),
    );
    const events: BalancerEvent[] = [];
    const balancer = new Balancer({ config, threadModule, onEvent: (event) => events.push(event) });
    const ids = () =>
      events.flatMap((event) => event.kind === "closed" ? event.records.map(({ id }) => id) : []);
    const ofFirst = () => ids().filter((id) => id.startsWith("0."));
    await balancer.start();
    try {
      const [bind = ""] = balancer.state().listeners["web"]!.bind;
      const port = Number(bind.split(":").at(-1));
      /** Has sessions come and go until thread 0 has reported so many of its own. */
      const serveUntil = (count: number) =>
        eventually(`${count} sessions of thread 0`, async () => {
          using client = await Client.open(port);
          await client.isEchoed("hello");
          return ofFirst().length >= count;
        });
      await serveUntil(3);
      await balancer.reload(config);
      await eventually("a death", () => events.some(({ kind }) => kind === "death"));
      const before = ofFirst();
      await serveUntil(before.length + 3);
      const numbers = ofFirst().map((id) => Number(id.slice(2)));
      const last = Math.max(...numbers.slice(0, before.length));
      assert.ok(numbers.slice(before.length).every((number) => number > last), numbers.join());
    } finally {
      await balancer.drain();
    }
    assert.equal(new Set(ids()).size, ids().length, "two sessions have the same id");
  });
}
