import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { closeWithReset } from "../support/kernel_sockets.ts";
import { RunningLb } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { soak, times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const clients = times({ short: 200, long: 1_000 });
const health = "health: { interval: 200ms, fastInterval: 100ms, downInterval: 200ms, rise: 1 }";

async function crowd(port: number): Promise<Client[]> {
  const all: Client[] = [];
  for (let index = 0; index < clients; index++) all.push(await Client.open(port));
  return all;
}

Deno.test(`${clients} clients in line cost little, and each is served once there is a target`, async () => {
  using port = new ReservedPort();
  await using lb = await RunningLb.start(yaml({
    targets: [port.address],
    pool: `${health}, hold: 100s`,
    top: "log: { access: all }",
  }));
  // Memory that the first crowd has made lb take is there for the next.
  for (let round = 0; round < (soak ? 3 : 1); round++) {
    closeWithReset((await crowd(lb.port())).map(({ conn }) => conn));
    const left = (round + 1) * clients;
    await lb.until(() => lb.records.length === left || undefined);
  }
  assert.ok(lb.records.every(({ reason }) => reason === "client_gone_queue"));

  const idleShare = soak ? await cpuShare(lb) : 0;
  const before = lb.residentBytes();
  const waiting = await crowd(lb.port());
  await eventually("every client is accepted", () => lb.descriptors() >= clients);
  figure("memory of the line", {
    row: 103,
    is: (lb.residentBytes() - before) / 1e6,
    most: 1,
    unit: "MB",
  });
  if (soak) {
    figure("CPU of the line", {
      row: 103,
      is: Math.max(0, 100 * (await cpuShare(lb) - idleShare)),
      most: 1,
      unit: "%",
    });
  }

  await using _target = new Target(echo, { hostname: port.hostname, port: port.port });
  await Promise.all(waiting.map((client) => client.say("served")));
  for (const client of waiting) client[Symbol.dispose]();
  await lb.until(() => lb.records.filter(({ reason }) => reason === "done").length === clients || undefined);
});

/** Of one core, over some seconds. */
async function cpuShare(lb: RunningLb): Promise<number> {
  const seconds = 5;
  const before = lb.cpuSeconds();
  await new Promise((resolve) => setTimeout(resolve, 1_000 * seconds));
  return (lb.cpuSeconds() - before) / seconds;
}
