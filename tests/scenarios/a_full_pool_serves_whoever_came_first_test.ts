import assert from "node:assert/strict";
import { assertRefused, Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { closeWithReset } from "../support/kernel_sockets.ts";
import { RunningLb } from "../support/lb.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

/** A target that takes one session at a time. */
function startLb(
  target: Target,
  { workers, queueMs, size = 1_000 }: { workers: number; queueMs: string; size?: number },
) {
  return RunningLb.start(yaml({
    targets: [`{ address: "${target.address}", maxConnections: 1 }`],
    pool: `health: none, queue: { size: ${size} }`,
    process: `workers: ${workers}`,
    listener: `timeouts: { queue: ${queueMs} }`,
    top: "log: { access: all }",
  }));
}

/** Clients that have said a word, and the order in which it was answered. */
async function waiting(lb: RunningLb, count: number) {
  const served: number[] = [];
  const clients: Client[] = [];
  for (let index = 0; index < count; index++) {
    const client = await Client.open(lb.port());
    clients.push(client);
    client.isEchoed(String(index)).then((echoed) => echoed && served.push(index), () => {});
  }
  return { served, clients };
}

for (const workers of [1, 2]) {
  const order = workers === 1 ? ", whoever came first is first" : "";
  Deno.test(`clients of a full target wait and are served one after the other${order}, ${workers} workers`, async () => {
    await using target = new Target(echo);
    await using lb = await startLb(target, { workers, queueMs: "60s" });
    const inside = await Client.served(lb.port());
    const { served, clients } = await waiting(lb, 8);
    assert.deepEqual([served, target.accepted], [[], 1]);
    inside[Symbol.dispose]();
    for (let count = 1; count <= clients.length; count++) {
      await eventually(`${count} are served`, () => served.length === count);
      clients[served.at(-1)!]![Symbol.dispose]();
    }
    // Two threads may take two who came at the same moment the other way round.
    if (workers === 1) assert.deepEqual(served, clients.map((_, index) => index));
    assert.equal(target.mostOpen, 1);
    const records = await lb.until(() => lb.records.length === 9 ? lb.records : undefined);
    const waits = records.map((record) => (record["ms"] as { queue: number | null }).queue);
    // Who was not accepted before a place was free did not wait: on a busy machine that may be more than the one inside.
    assert.ok(waits.some((ms) => ms !== null), `nobody waited: ${waits}`);
    assert.ok(waits.includes(null), `the one inside waited: ${waits}`);
    assert.ok(records.every(({ reason }) => reason === "done"));
  });
}

Deno.test("while queue.size clients wait, the next is refused at once, and one that leaves makes room for another", async () => {
  await using target = new Target(echo);
  await using lb = await startLb(target, { workers: 1, queueMs: "60s", size: 2 });
  using inside = await Client.served(lb.port());
  const { clients, served } = await waiting(lb, 2);
  await assertRefused(lb.port());
  await lb.line((line) => line["reason"] === "queue_full");
  closeWithReset([clients[0]!.conn]);
  await lb.line((line) => line["reason"] === "client_gone_queue");
  using next = await Client.open(lb.port());
  const isServed = next.isEchoed("next");
  inside[Symbol.dispose]();
  await eventually("the second is served", () => served.length === 1);
  clients[1]![Symbol.dispose]();
  assert.ok(await isServed);
  assert.equal(target.mostOpen, 1);
});

Deno.test("a client that waits longer than timeouts.queue is refused with its reason", async () => {
  await using target = new Target(echo);
  await using lb = await startLb(target, { workers: 2, queueMs: "200ms" });
  using inside = await Client.served(lb.port());
  await assertRefused(lb.port());
  const record = await lb.line((line) => line["reason"] === "queue_timeout");
  assert.ok((record["ms"] as { queue: number }).queue >= 200);
  assert.equal(record["target"], null);
  await inside.say("still here");
});
