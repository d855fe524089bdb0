import assert from "node:assert/strict";
import fc from "fast-check";
import { algorithms } from "../../lib/pool/algorithms.ts";
import type { AlgorithmName } from "../../lib/values/words.ts";
import type { PickRequest, Pool } from "../../lib/pool/pool.ts";
import type { Target } from "../../lib/pool/target.ts";
import type { Shared } from "../../lib/shared/shared.ts";
import { poolOf, sharedState, target, type TestTarget } from "./pool_fixture.ts";

interface Situation extends PickRequest {
  readonly pool: Pool;
  readonly shared: Shared;
  readonly targets: readonly TestTarget[];
}

const members = fc.array(
  fc.record({
    weight: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ min: 0.1, max: 3, noNaN: true })),
    maxConnections: fc.constantFrom(1, 2, 3, Infinity),
    tier: fc.integer({ min: 0, max: 2 }),
    serving: fc.boolean(),
    open: fc.integer({ min: 0, max: 3 }),
    tried: fc.boolean(),
  }),
  { maxLength: 8 },
);

const situations = fc.record({ members, client: fc.record({ remoteHost: fc.ipV4() }) });

type Drawn = typeof situations extends fc.Arbitrary<infer Value> ? Value : never;

function arrange(algorithm: AlgorithmName, { members, client }: Drawn): Situation {
  const shared = sharedState();
  const targets = members.map(({ weight, maxConnections, tier, serving }, slot) =>
    target(`10.0.0.${slot}:80`, slot, { weight, maxConnections, tier, serving })
  );
  members.forEach(({ open, maxConnections }, slot) => {
    for (let i = 0; i < open; i++) shared.permits.acquire(slot, maxConnections);
  });
  const tried = targets.filter((_, slot) => members[slot]!.tried);
  return { pool: poolOf(algorithm, targets, { shared }), shared, targets, tried, client };
}

function serving({ targets }: Situation): TestTarget[] {
  return targets.filter((target) => target.serving && target.weight > 0);
}

function untriedServing(situation: Situation): TestTarget[] {
  return serving(situation).filter((target) => !situation.tried.includes(target));
}

function eligible(situation: Situation): TestTarget[] {
  const { shared } = situation;
  return untriedServing(situation).filter(({ slot, maxConnections }) =>
    shared.permits.taken(slot) < maxConnections
  );
}

function slots(targets: readonly Target[]): number[] {
  return targets.map(({ slot }) => slot);
}

function openSessions({ shared, targets }: Situation): number {
  return targets.reduce((sum, { slot }) => sum + shared.permits.taken(slot), 0);
}

const properties: Readonly<Record<string, (situation: Situation) => void>> = {
  "picks an eligible untried target whenever there is one": (situation) => {
    const picked = situation.pool.pick(situation);
    if (picked.kind === "target") assert.ok(slots(eligible(situation)).includes(picked.target.slot));
    else assert.equal(eligible(situation).length, 0);
  },
  "says full when only a permit is missing, tried when all that serve were tried, no_target otherwise": (
    situation,
  ) => {
    const picked = situation.pool.pick(situation);
    if (picked.kind === "target") return;
    const otherwise = serving(situation).length > 0 ? "tried" : "no_target";
    assert.equal(picked.reason, untriedServing(situation).length > 0 ? "full" : otherwise);
  },
  "picks in the lowest tier that has an eligible target": (situation) => {
    const picked = situation.pool.pick(situation);
    if (picked.kind === "none") return;
    assert.equal(picked.target.tier, Math.min(...eligible(situation).map(({ tier }) => tier)));
  },
  "picks without taking a permit": (situation) => {
    const before = openSessions(situation);
    situation.pool.pick(situation);
    assert.equal(openSessions(situation), before);
  },
  "takes one permit of the target it returns, and gives it back": (situation) => {
    const { pool, shared, targets } = situation;
    const before = targets.map(({ slot }) => shared.permits.taken(slot));
    const picked = pool.take(situation);
    const after = targets.map(({ slot }) => shared.permits.taken(slot));
    const chosen = picked.kind === "target" ? picked.target.slot : -1;
    assert.deepEqual(after, before.map((open, slot) => slot === chosen ? open + 1 : open));
    if (picked.kind === "none") return;
    pool.release(picked.target);
    assert.deepEqual(targets.map(({ slot }) => shared.permits.taken(slot)), before);
  },
  "fills every limited target to its last permit and no further": (situation) => {
    const { pool, shared } = situation;
    if (untriedServing(situation).some(({ maxConnections }) => maxConnections === Infinity)) return;
    while (pool.take(situation).kind === "target");
    for (const { slot, maxConnections } of untriedServing(situation)) {
      assert.equal(shared.permits.taken(slot), maxConnections);
    }
  },
  "reaches every eligible target by retries, each once": (situation) => {
    const { pool, client } = situation;
    const wanted = eligible(situation);
    const tried = [...situation.tried];
    const reached: Target[] = [];
    for (
      let picked = pool.pick({ client, tried });
      picked.kind === "target";
      picked = pool.pick({ client, tried })
    ) {
      reached.push(picked.target);
      tried.push(picked.target);
    }
    assert.deepEqual(slots(reached).toSorted((a, b) => a - b), slots(wanted));
    const tiers = reached.map(({ tier }) => tier);
    assert.deepEqual(tiers, tiers.toSorted((a, b) => a - b));
  },
};

for (const algorithm of Object.keys(algorithms) as AlgorithmName[]) {
  for (const [sentence, holds] of Object.entries(properties)) {
    // Each run of sourceHash builds up to three tables of 65,537 entries.
    const numRuns = algorithm === "sourceHash" ? 40 : 300;
    Deno.test(`${algorithm} ${sentence}`, () => {
      fc.assert(fc.property(situations, (drawn) => holds(arrange(algorithm, drawn))), {
        seed: 20240607,
        numRuns,
      });
    });
  }
}
