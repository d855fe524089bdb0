import assert from "node:assert/strict";
import { loadConfig } from "../../lib/config/load.ts";
import { Balancer } from "../../lib/control/balancer.ts";
import type { BalancerEvent } from "../../lib/control/events.ts";
import { Threads } from "../../lib/control/threads.ts";
import { Client } from "../support/client.ts";
import { eventually, within } from "../support/eventually.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const threadModule = new URL("./hanging_thread.ts", import.meta.url);
const clients = 24;

// The sockets of the portable engine are Deno's, which nobody but their thread can end.
Deno.test({
  name: "a thread that hangs in a drain without a deadline lets go of its clients, while others go on",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using target = new Target(echo);
    const process = "engine: linux, workers: 2, drain: { deadline: none }";
    const loaded = loadConfig(yaml({ targets: [target.address], process }), {
      file: "lb.yaml",
      env: () => undefined,
    });
    assert.ok("config" in loaded);
    const events: BalancerEvent[] = [];
    const balancer = new Balancer({
      config: loaded.config,
      threadModule,
      onEvent: (event) => events.push(event),
      parts: { threads: (options) => new Threads({ ...options, times: { pingMs: 20, hangMs: 1_000 } }) },
    });
    await balancer.start();
    let draining: Promise<void> | undefined;
    try {
      const port = Number(balancer.state().listeners["web"]!.bind[0]!.split(":").at(-1));
      using opened = new DisposableStack();
      const open: Client[] = [];
      for (let index = 0; index < clients; index++) open.push(opened.use(await Client.served(port)));
      draining = balancer.drain();
      const gone = new Set<Client>();
      for (const client of open) client.rest().then(() => {}, () => gone.add(client));
      await eventually("the thread is given up", () => events.some(({ kind }) => kind === "fault"));
      const left = balancer.openSessions;
      assert.ok(left > 0 && left < clients, `${left} sessions are with the other thread`);
      await eventually("its clients are told", () => gone.size === clients - left);
      assert.equal(events.some(({ kind }) => kind === "drained"), false, "the others go on");
      for (const client of open) if (!gone.has(client)) await client.finish();
      await within("the drain", draining);
      const drained = events.find((event) => event.kind === "drained");
      assert.deepEqual(drained, { kind: "drained", ended: left, cut: clients - left });
    } finally {
      await balancer.stop();
      await draining;
    }
  },
});
