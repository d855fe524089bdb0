/** Reloads under a steady stream of clients: the sockets of a listener that stays are the same from the first to the last. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { ClientStream } from "../support/client_stream.ts";
import { eventually } from "../support/eventually.ts";
import { listeningInodes } from "../support/kernel_sockets.ts";
import { RunningLb } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { times } from "../support/soak.ts";
import { echo, named, Target } from "../support/target.ts";
import { assertReloaded, fronts } from "./fronts.ts";

const reloads = times({ short: 20, long: 200 });

Deno.test(`a listener that stays is never closed: through ${reloads} reloads nobody is refused, and its sockets are the same`, async () => {
  using port = new ReservedPort();
  using other = new ReservedPort();
  await using one = new Target(named("one"));
  await using two = new Target(named("two"));
  await using echoing = new Target(echo);
  const stays = [port.address, "app"] as const;
  // Each of them changes something else around it, and the first comes back after the last.
  const configs = [
    fronts({
      listeners: { web: stays, open: ["127.0.0.1:0", "echo"] },
      pools: { app: [one], echo: [echoing] },
    }),
    fronts({ listeners: { web: stays, more: [other.address, "app"] }, pools: { app: [one] } }),
    fronts({ listeners: { web: stays, more: [other.address, "app"] }, pools: { app: [two] } }),
    fronts({
      listeners: { web: stays },
      pools: { app: [one, two] },
      top: { defaults: { timeouts: { idle: "10m" } } },
    }),
    fronts({ listeners: { moved: stays }, pools: { app: [one, two] } }),
  ];
  await using lb = await RunningLb.start(configs[0]!);
  using open = await Client.served(lb.port("open"));
  const inodes = listeningInodes(port.port);
  const { hostname } = port;
  await using stream = new ClientStream({ port: port.port, hostname });

  for (let reload = 1; reload <= reloads; reload++) {
    const before = stream.count("one") + stream.count("two");
    assertReloaded(await lb.reload(configs[reload % configs.length]), `generation ${reload + 1}`);
    await eventually("clients between two reloads", () => stream.count("one") + stream.count("two") > before);
  }

  const { one: ones, two: twos, ...others } = await stream.stop();
  assert.deepEqual(others, {});
  assert.ok(ones! > 0 && twos! > 0);
  assert.deepEqual(listeningInodes(port.port), inodes);
  await open.say("open since the first configuration");
});
