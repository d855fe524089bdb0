/** A reload that removes a target or a listener: no new sessions, and the open ones have until the drain deadline. */
import assert from "node:assert/strict";
import { Client, exchange, received } from "../support/client.ts";
import { RunningLb } from "../support/lb.ts";
import { times } from "../support/soak.ts";
import { echo, named, Target } from "../support/target.ts";
import { assertReloaded, becomesClosed, type Fronts, fronts } from "./fronts.ts";

const sessions = times({ short: 20, long: 500 });
/** Later sessions, none of which may reach what was removed. */
const later = times({ short: 40, long: 2_000 });

/** The rules of a drain; the deadline that a test waits for is short, the other is never reached. */
const drain = (deadline: "3s" | "1h" | "none") => ({ drain: { deadline, closeSpread: "300ms" } });

function open(lb: RunningLb, listener = "web"): Promise<Client[]> {
  return Promise.all(Array.from({ length: sessions }, () => Client.served(lb.port(listener))));
}

Deno.test(`a removed target gets no new session, its ${sessions} open ones are cut at the deadline, spread, and no others`, async () => {
  await using gone = new Target(echo);
  await using stays = new Target(echo);
  const config = (...targets: Target[]): Fronts => ({
    listeners: { web: ["127.0.0.1:0", "app"], kept: ["127.0.0.1:0", "kept"] },
    pools: { app: targets, kept: [stays] },
    process: drain("3s"),
  });
  await using lb = await RunningLb.start(fronts(config(gone)));
  const leaving = await open(lb);
  const staying = await open(lb, "kept");

  assertReloaded(await lb.reload(fronts(config(stays))), "generation 2");
  const departing = await lb.line(({ message }) => message?.startsWith("open sessions of what was") ?? false);
  assert.equal(
    departing.message,
    `open sessions of what was removed end: ${sessions} of target app/${gone.address}; cut from 3s on, over 300ms`,
  );
  const [first, ...others] = leaving;
  await first!.finish();
  assert.equal(await first!.rest(), "");

  // Threads take over a snapshot a moment after it was published; by the end of the deadline they have.
  const rests = await Promise.all(others.map((client) => client.untilCut()));
  assert.deepEqual(new Set(rests), new Set([""]));
  const { accepted } = gone;
  for (let session = 0; session < later; session++) assert.equal(await exchange(lb.port(), "hello"), "hello");
  assert.equal(gone.accepted, accepted, "a removed target has served a later client");
  for (const client of staying) await client.say("open since the first configuration");

  await lb.until(() => lb.records.length >= sessions + later || undefined);
  const records = lb.records.filter(({ target }) => target === gone.address);
  assert.deepEqual(records.map(({ reason }) => reason).toSorted(), [
    "done",
    ...Array(sessions - 1).fill("drain_deadline"),
  ]);
  const cutAt = records.filter(({ reason }) => reason !== "done").map(({ time }) => Date.parse(time));
  assert.ok(Math.max(...cutAt) - Math.min(...cutAt) >= 100, "they were not cut over the spread");
  assert.equal(lb.records.filter(({ reason }) => reason === "drain_deadline").length, sessions - 1);
  const cutting = lb.lines.find(({ message }) => message?.startsWith("open sessions are cut") ?? false);
  assert.equal(
    cutting?.message,
    "open sessions are cut over 300ms, what they belong to was removed: " +
      `${sessions - 1} of target app/${gone.address}`,
  );
  for (const client of [...leaving, ...staying]) client[Symbol.dispose]();
});

Deno.test("open sessions of a removed listener are cut at the deadline, whichever target they have", async () => {
  await using target = new Target(echo);
  const config = (...names: string[]) =>
    fronts({
      listeners: Object.fromEntries(names.map((name) => [name, ["127.0.0.1:0", "app"]])),
      pools: { app: [target] },
      process: drain("3s"),
    });
  await using lb = await RunningLb.start(config("web", "old"));
  const leaving = await open(lb, "old");
  using staying = await Client.served(lb.port());
  const port = lb.port("old");

  assertReloaded(await lb.reload(config("web")), "listener old is gone");
  await becomesClosed(port);
  await Promise.all(leaving.map((client) => client.untilCut()));
  await staying.say("still here");

  const { length } = await lb.until(() => {
    const cut = lb.records.filter(({ reason }) => reason === "drain_deadline");
    return cut.length >= sessions ? cut : undefined;
  });
  assert.equal(length, sessions);
  assert.ok(lb.records.every(({ listener }) => listener === "old"));
  for (const client of leaving) client[Symbol.dispose]();
});

Deno.test("a target that another reload brings back before the deadline keeps its sessions", async () => {
  await using target = new Target(echo);
  await using gone = new Target(echo);
  await using other = new Target(named("other"));
  const config = (app: Target, spare: Target) =>
    fronts({
      listeners: { web: ["127.0.0.1:0", "app"], spare: ["127.0.0.1:0", "spare"] },
      pools: { app: [app], spare: [spare] },
      process: { drain: { deadline: "4s", closeSpread: "100ms" } },
    });
  await using lb = await RunningLb.start(config(target, gone));
  using keeps = await Client.served(lb.port());
  using leaves = await Client.served(lb.port("spare"));
  assertReloaded(await lb.reload(config(other, other)));
  assertReloaded(await lb.reload(config(target, other)));
  // Both were removed at the same time: when one is cut, the deadline of the other is over too.
  assert.equal(await leaves.untilCut(), "");
  await keeps.say("still here");
  assert.equal(await exchange(lb.port(), "new"), "new");
  assert.equal(await received(lb.port("spare")), "other");
});

for (const deadline of ["1h", "none"] as const) {
  Deno.test(`with the deadline ${deadline} open sessions of what was removed go on and end by themselves`, async () => {
    await using gone = new Target(echo);
    await using stays = new Target(named("other"));
    const config = (target: Target) =>
      fronts({
        listeners: { web: ["127.0.0.1:0", "app"] },
        pools: { app: [target] },
        process: drain(deadline),
      });
    await using lb = await RunningLb.start(config(gone));
    using client = await Client.served(lb.port());
    assertReloaded(await lb.reload(config(stays)));
    const until = deadline === "none" ? "without a deadline" : "cut from 1h on, over 300ms";
    await lb.line(({ message }) =>
      message === `open sessions of what was removed end: 1 of target app/${gone.address}; ${until}`
    );
    await client.say("still here");
    await client.finish();
    assert.equal(await client.rest(), "");
    await lb.until(() => lb.records.find(({ target }) => target === gone.address));
    assert.ok(lb.records.every(({ reason }) => reason === "done"));
  });
}
