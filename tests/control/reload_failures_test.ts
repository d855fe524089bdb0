import assert from "node:assert/strict";
import { ThreadBindError } from "../../lib/control/thread.ts";
import { ThreadsBusyError } from "../../lib/control/threads.ts";
import { capacity } from "../../lib/shared/layout.ts";
import { BalancerWorld } from "./balancer_world.ts";

const process = "process: { workers: 2, maxConnections: 20 }";
const before = `${process}
listeners: { web: { bind: "127.0.0.1:8080", pool: app } }
pools: { app: { targets: ["10.0.0.1:1", "old.test:1"] } }
`;
const after = `${process}
listeners:
  web: { bind: "127.0.0.1:8080", pool: app, maxConnections: 7 }
  api: { bind: ["127.0.0.1:8081", "named.test:8082"], pool: api }
pools:
  app: { targets: ["10.0.0.2:1", "new.test:1"] }
  api: { algorithm: sourceHash, targets: ["10.0.0.3:1"] }
`;

async function started(): Promise<BalancerWorld> {
  const world = new BalancerWorld(before, {
    answers: { "old.test": ["10.1.0.1"], "new.test": ["10.1.0.2"], "named.test": ["127.0.0.9"] },
  });
  await world.start();
  return world;
}

/** Everything that a reload which fails must leave as it was. */
function inForce({ balancer, threads, watched, snapshot, shared }: BalancerWorld) {
  const { uptimeSeconds: _, pools, ...state } = balancer.state();
  const targets = snapshot.pools.flatMap(({ targets }) => targets);
  return {
    generation: balancer.generation,
    config: balancer.config,
    state,
    targets: Object.entries(pools).map(([name, { targets }]) => [
      name,
      targets.map(({ lastProbe: _, ...target }) => target),
    ]),
    bound: [...threads.bound.values()],
    snapshots: threads.snapshots.length,
    watched,
    states: targets.map(({ slot }) => shared.targets.state(slot)),
    epochs: snapshot.pools.map(({ slot }) => shared.pools.epoch(slot)),
  };
}

/** The host names that are looked up in a minute. */
async function namesWatched(world: BalancerWorld): Promise<Set<string>> {
  world.resolver.asked.length = 0;
  await world.pass(60_000);
  return new Set(world.resolver.asked);
}

interface Failure {
  readonly name: string;
  /** Has the step fail; the result undoes it. */
  readonly arrange: (world: BalancerWorld) => () => void;
  readonly problem: RegExp;
}

function bindFails(error: Error): Failure["arrange"] {
  return ({ threads }) => {
    threads.onBind = () => Promise.reject(error);
    return () => threads.onBind = () => Promise.resolve();
  };
}

const failures: readonly Failure[] = [
  {
    name: "the name of a bind is unknown",
    arrange: ({ resolver }) => {
      resolver.answers.delete("named.test");
      return () => resolver.answers.set("named.test", ["127.0.0.9"]);
    },
    problem: /host not found/,
  },
  {
    name: "two names of binds are one address",
    arrange: ({ resolver }) => {
      resolver.answers.set("named.test", ["127.0.0.9", "127.0.0.9"]);
      return () => resolver.answers.set("named.test", ["127.0.0.9"]);
    },
    problem: /listener api twice: bound to 127\.0\.0\.9:8082 by different names/,
  },
  {
    name: "an address is taken",
    arrange: ({ taken }) => {
      taken.set("127.0.0.9:8082", { code: "EADDRINUSE", message: "in use" });
      return () => taken.clear();
    },
    problem: /in use/,
  },
  {
    name: "a thread cannot bind",
    arrange: bindFails(new ThreadBindError("127.0.0.1:8081", { code: "EACCES", message: "not allowed" })),
    problem: /not allowed/,
  },
  {
    name: "a thread is starting again",
    arrange: bindFails(new ThreadsBusyError("a data-plane thread is starting again; try again later")),
    problem: /starting again/,
  },
];

for (const { name, arrange, problem } of failures) {
  Deno.test(`a reload that fails because ${name} leaves everything as it was, and the next one works`, async () => {
    await using world = await started();
    const untouched = inForce(world);
    const restore = arrange(world);
    const result = await world.reload(after);
    assert.ok(result.kind === "refused");
    assert.match(result.problem, problem);
    assert.deepEqual(inForce(world), untouched);
    assert.deepEqual(await namesWatched(world), new Set(["old.test"]));
    assert.ok(!world.threads.calls.slice(4).some((call) => /^(publish|accept)/.test(call)));

    restore();
    const next = await world.reload(after);
    assert.equal(next.kind, "reloaded");
    assert.equal(world.balancer.generation, 2);
    assert.deepEqual([...world.threads.bound.keys()], ["127.0.0.1:8080", "127.0.0.1:8081", "127.0.0.9:8082"]);
    assert.deepEqual(await namesWatched(world), new Set(["new.test"]));
    // The slots that the failed one had taken were given back: the next ones follow those of before without a gap.
    const slots = [
      ...world.snapshot.listeners.map(({ slot }) => slot),
      ...world.snapshot.pools.flatMap(({ targets }) => targets.map(({ slot }) => slot)),
    ];
    assert.deepEqual(slots.toSorted(), [1, 4, 5, 6, 7]);
    assert.deepEqual(world.snapshot.pools.map(({ slot }) => slot), [0, 1]);
  });
}

Deno.test("a reload in which the program itself fails is rejected, and leaves everything as it was", async () => {
  await using world = await started();
  const untouched = inForce(world);
  const restore = bindFails(new TypeError("a fault"))(world);
  await assert.rejects(world.reload(after), /a fault/);
  assert.deepEqual(inForce(world), untouched);
  assert.deepEqual(await namesWatched(world), new Set(["old.test"]));
  restore();
  assert.equal((await world.reload(after)).kind, "reloaded");
});

Deno.test("what names stand for by now is taken over also after a reload that failed, and probed", async () => {
  await using world = await started();
  const { threads, resolver } = world;
  threads.onBind = async () => {
    resolver.answers.set("old.test", ["10.1.0.7"]);
    await world.pass(40_000);
    throw new ThreadsBusyError("busy");
  };
  assert.equal((await world.reload(after)).kind, "refused");
  assert.deepEqual(world.target("old.test:1").addresses, [{ kind: "tcp", host: "10.1.0.7", port: 1 }]);
  const { target } = world.watched.find(({ key }) => key === "target app/old.test:1")!;
  assert.deepEqual(target.addresses, ["10.1.0.7"]);
});

/** Where a reload waits, and what to do so that it waits there. */
const waits: readonly { name: string; arrange: (world: BalancerWorld) => () => boolean }[] = [
  {
    name: "looks up the name of a bind",
    arrange: ({ resolver }) => {
      resolver.answers.set("named.test", "silent");
      return () => resolver.asked.includes("named.test");
    },
  },
  {
    name: "waits for the first lookup of a name",
    arrange: ({ resolver }) => {
      resolver.answers.set("new.test", "silent");
      return () => resolver.asked.includes("new.test");
    },
  },
  {
    name: "binds",
    arrange: ({ threads, clock }) => {
      let isBinding = false;
      threads.onBind = async () => {
        isBinding = true;
        await clock.sleep(1_000);
      };
      return () => isBinding;
    },
  },
  {
    name: "waits for first probes",
    arrange: ({ probes }) => {
      probes.answers.set("10.0.0.2:1", "silent");
      return () => probes.countOf("10.0.0.2:1") > 0;
    },
  },
];

for (const { name, arrange } of waits) {
  for (const verb of ["stop", "drain"] as const) {
    Deno.test(`a ${verb} while a reload ${name} has it publish nothing and leave nothing behind`, async () => {
      await using world = await started();
      const isThere = arrange(world);
      const reloading = world.reload(after);
      await world.until(`the reload ${name}`, isThere);
      await world.run(world.balancer[verb]());
      const result = await reloading;
      assert.ok(result.kind === "refused");
      assert.equal(result.problem, "lb is stopping");
      assert.equal(world.threads.snapshots.length, 1);
      assert.equal(world.balancer.generation, 1);
      assert.deepEqual([...world.threads.bound.keys()], ["127.0.0.1:8080"]);
      assert.deepEqual(await namesWatched(world), new Set(), "nothing is looked up any more");
    });
  }
}

Deno.test("a reload that a drain has overtaken gives back everything while the last sessions go on", async () => {
  await using world = await started();
  const { bound, snapshots, watched } = inForce(world);
  world.probes.answers.set("10.0.0.2:1", "silent");
  const reloading = world.reload(after);
  await world.until("it waits for first probes", () => world.probes.countOf("10.0.0.2:1") > 0);
  world.threads.hangs = true;
  const draining = world.balancer.drain();
  world.probes.answers.delete("10.0.0.2:1");
  assert.equal((await reloading).kind, "refused");
  const now = inForce(world);
  assert.deepEqual([now.bound, now.snapshots, now.watched], [bound, snapshots, watched]);
  assert.deepEqual(await namesWatched(world), new Set(["old.test"]));
  world.threads.terminate();
  await draining;
});

const maxTargets = capacity.slots / 2 - 2;

/** A configuration with so many targets; those of another `net` are others. */
function many(net: number, targets: number): string {
  const addresses = Array.from(
    { length: targets },
    (_, index) => `"10.${net}.${index >> 8}.${index & 255}:1"`,
  );
  return `${process}
listeners: { web: { bind: "127.0.0.1:8080", pool: app } }
pools: { app: { health: none, targets: [${addresses.join(", ")}] } }
`;
}

Deno.test("a configuration that just fits is taken over, one target more is refused, and so is one pool more", async () => {
  await using world = new BalancerWorld(many(1, 1));
  await world.start();
  assert.equal((await world.reload(many(1, maxTargets))).kind, "reloaded");
  const result = await world.reload(many(1, maxTargets + 1));
  assert.ok(result.kind === "refused");
  assert.equal(result.problem, "8192 listeners and targets, at most 8191 fit");
  assert.equal(world.balancer.generation, 2);
});

Deno.test("out of slots a reload is refused and changes nothing; once old sessions have ended it works", async () => {
  await using world = new BalancerWorld(many(1, maxTargets));
  await world.start();
  world.threads.keepsOldSessions = true;
  world.threads.setReaders(1);
  assert.equal((await world.reload(many(2, maxTargets))).kind, "reloaded");
  const untouched = inForce(world);
  // Twice: what a refused one has taken is free for the next.
  for (let round = 0; round < 2; round++) {
    const result = await world.reload(many(3, maxTargets));
    assert.ok(result.kind === "refused");
    assert.match(result.problem, /no room for more listeners and targets until sessions .* have ended/);
    assert.deepEqual(inForce(world), untouched);
  }
  // A health change, or a reload that needs no more slots, is nothing that could fail now.
  assert.equal((await world.reload(many(2, maxTargets))).kind, "reloaded");
  world.threads.setReaders(2);
  assert.equal((await world.reload(many(3, maxTargets))).kind, "reloaded");
});

/** A configuration with as many pools as fit; those of another set have other names. */
function pools(set: number): string {
  const names = Array.from({ length: capacity.pools / 2 }, (_, index) => `p${set}x${index}`);
  return `${process}
listeners: { web: { bind: "127.0.0.1:8080", pool: ${names[0]} } }
pools: { ${names.map((name) => `${name}: { health: none, targets: ["10.0.0.1:1"] }`).join(", ")} }
`;
}

for (const [what, text] of [["slots", (set: number) => many(set, maxTargets)], ["pools", pools]] as const) {
  Deno.test(`all ${what} that a failed reload has taken are free for the next one`, async () => {
    await using world = new BalancerWorld(text(1));
    await world.start();
    world.threads.keepsOldSessions = true;
    const restore = bindFails(new ThreadsBusyError("busy"))(world);
    const moved = text(2).replace("127.0.0.1:8080", "127.0.0.1:8081");
    assert.equal((await world.reload(moved)).kind, "refused");
    restore();
    assert.equal((await world.reload(text(3))).kind, "reloaded");
  });
}

Deno.test("out of pools a reload is refused and gives back the slots it had taken", async () => {
  await using world = new BalancerWorld(pools(1));
  await world.start();
  world.threads.keepsOldSessions = true;
  world.threads.setReaders(1);
  assert.equal((await world.reload(pools(2))).kind, "reloaded");
  const result = await world.reload(pools(3));
  assert.ok(result.kind === "refused");
  assert.match(result.problem, /no room for more pools/);
  assert.equal(world.balancer.generation, 2);
  world.threads.setReaders(2);
  assert.equal((await world.reload(pools(3))).kind, "reloaded");
});
