import assert from "node:assert/strict";
import { modelOf } from "../../lib/control/model.ts";
import { stateOf, type StateSources } from "../../lib/control/state.ts";
import type { TargetConditions } from "../../lib/pool/target_state.ts";
import { count } from "../../lib/shared/counters.ts";
import { BalancerWorld, configOf } from "./balancer_world.ts";

const file = `process: { workers: 3, maxConnections: 20 }
listeners: { web: { bind: ["127.0.0.1:8080", "[::1]:8080"], pool: app } }
pools:
  app:
    algorithm: leastConnections
    targets:
      - { address: "10.0.0.1:1", weight: 3, tier: 0 }
      - { address: "pair.test:2", tier: 1, maxConnections: 5 }
`;

Deno.test("a state says everything about the process, its listeners, pools and targets", async () => {
  await using world = new BalancerWorld(file, { answers: { "pair.test": ["10.0.0.2", "10.0.0.3"] } });
  world.probes.answers.set("10.0.0.1:1", "failed");
  await world.start();
  const { permits } = world.shared;
  const slots = {
    process: world.snapshot.process.slot,
    web: world.snapshot.listeners[0]!.slot,
    target: world.target("pair.test:2").slot,
  };
  for (const slot of [slots.process, slots.web, slots.target]) permits.acquire(slot, Infinity);
  permits.acquire(slots.process, Infinity);
  const { memory } = world.threads.options;
  memory.queued[world.snapshot.pools[0]!.slot] = 7;
  for (const region of memory.counters) {
    count(region, { slot: slots.web, field: "total" }, 3);
    count(region, { slot: slots.web, field: "failed" });
    count(region, { slot: slots.target, field: "total" }, 2);
    count(region, { slot: slots.target, field: "failed" }, 4);
    count(region, { slot: slots.target, field: "receivedBytes" }, 10);
    count(region, { slot: slots.target, field: "sentBytes" }, 20);
  }
  const { uptimeSeconds, ...state } = world.balancer.state();
  assert.ok(Number.isInteger(uptimeSeconds) && uptimeSeconds >= 0);
  const [dead, alive] = state.pools["app"]!.targets;
  assert.ok(dead!.lastProbe !== null && alive!.lastProbe !== null);
  const probe = { ms: 1, at: dead!.lastProbe.at };
  assert.deepEqual(state, {
    engine: "portable",
    workers: 3,
    generation: 1,
    ready: true,
    draining: false,
    active: 2,
    maxConnections: 20,
    listeners: {
      web: { bind: ["127.0.0.1:8080", "[::1]:8080"], pool: "app", active: 1, total: 9, rejected: 3 },
    },
    pools: {
      app: {
        algorithm: "leastConnections",
        eligible: 1,
        queued: 7,
        targets: [
          {
            address: "10.0.0.1:1",
            resolved: ["10.0.0.1"],
            problem: null,
            state: "down",
            weight: 3,
            effectiveWeight: 3,
            ejections: 0,
            ejectionsObserved: 0,
            ejectedMs: null,
            tier: 0,
            active: 0,
            total: 0,
            failed: 0,
            receivedBytes: 0,
            sentBytes: 0,
            lastProbe: { ...probe, outcome: "failed", detail: "10.0.0.1:1 failed", address: "10.0.0.1" },
          },
          {
            address: "pair.test:2",
            resolved: ["10.0.0.2", "10.0.0.3"],
            problem: null,
            state: "up",
            weight: 1,
            effectiveWeight: 1,
            ejections: 0,
            ejectionsObserved: 0,
            ejectedMs: null,
            tier: 1,
            active: 1,
            total: 6,
            failed: 12,
            receivedBytes: 30,
            sentBytes: 60,
            lastProbe: {
              outcome: "passed",
              ms: 1,
              detail: "pair.test:2 passed",
              address: "10.0.0.2",
              at: alive!.lastProbe.at,
            },
          },
        ],
      },
    },
  });
  // Plain data, as every reader of it needs.
  assert.deepEqual(JSON.parse(JSON.stringify(state)), state);
  assert.equal(world.balancer.openSessions, 2);
});

Deno.test("a balancer that has not started is not ready, and its state is empty", async () => {
  await using world = new BalancerWorld(file);
  const { ready, generation, listeners, pools } = world.balancer.state();
  assert.deepEqual({ ready, generation, listeners, pools }, {
    ready: false,
    generation: 0,
    listeners: {},
    pools: {},
  });
});

const up: TargetConditions = { verdict: "up", ejection: "none", override: undefined };

/** The state of a pool of two targets in these conditions. */
function viewOf(
  conditions: readonly TargetConditions[],
  { weights = [1, 1], full = [], ...traits }: Partial<StateSources> & {
    readonly weights?: readonly number[];
    readonly full?: readonly number[];
  } = {},
) {
  const targets = weights.map((weight, index) => `{ address: "10.0.0.${index}:1", weight: ${weight} }`);
  const config = configOf(`listeners: { web: { bind: "127.0.0.1:1", pool: app } }
pools: { app: { targets: [${targets.join(", ")}] } }`);
  const model = modelOf(config, { generation: 4, nameOf: () => undefined, bindAddressesOf: () => [] });
  const keys = model.pools[0]!.targets.map(({ key }) => key);
  const state = stateOf({
    model,
    engine: "linux",
    workers: 2,
    startedAt: 1_000,
    now: 63_999,
    draining: false,
    maxConnections: 9,
    active: 0,
    activeOf: () => 0,
    countersOf: () => ({ total: 0, failed: 0, receivedBytes: 0, sentBytes: 0 }),
    queuedOf: () => 0,
    conditionsOf: ({ key }) => conditions[keys.indexOf(key)]!,
    standingOf: ({ config: { weight } }) => ({
      effectiveWeight: weight,
      ejections: 0,
      ejectionsObserved: 0,
      ejectedMs: null,
    }),
    lastProbeOf: () => undefined,
    isFull: ({ key }) => full.includes(keys.indexOf(key)),
    ...traits,
  });
  return { ready: state.ready, eligible: state.pools["app"]!.eligible, state };
}

Deno.test("lb is ready once every target has its first verdict and each pool has one that is eligible", () => {
  const down: TargetConditions = { ...up, verdict: "down" };
  const checking: TargetConditions = { ...up, verdict: "checking" };
  const cases: [string, ReturnType<typeof viewOf>, [boolean, number]][] = [
    ["both up", viewOf([up, up]), [true, 2]],
    ["one down", viewOf([up, down]), [true, 1]],
    ["one not probed yet", viewOf([up, checking]), [false, 1]],
    ["both down", viewOf([down, down]), [false, 0]],
    ["one ejected", viewOf([{ ...up, ejection: "ejected" }, up]), [true, 1]],
    ["one in maintenance", viewOf([{ ...up, override: "maintenance" }, up]), [true, 1]],
    ["both draining", viewOf(Array(2).fill({ ...up, override: "draining" })), [false, 0]],
    ["one of weight 0", viewOf([up, up], { weights: [0, 1] }), [true, 1]],
    ["one full", viewOf([up, up], { full: [1] }), [true, 1]],
    ["lb drains", viewOf([up, up], { draining: true }), [false, 2]],
  ];
  for (const [name, { ready, eligible }, expected] of cases) {
    assert.deepEqual([ready, eligible], expected, name);
  }
});

Deno.test("the time since the start is told in whole seconds, and a target without a probe has none", () => {
  const { state } = viewOf([up, up]);
  assert.equal(state.uptimeSeconds, 62);
  assert.equal(state.pools["app"]!.targets[0]!.lastProbe, null);
});
