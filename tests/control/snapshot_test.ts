import assert from "node:assert/strict";
import { snapshotOf } from "../../lib/control/snapshot.ts";
import { slotKeysOf } from "../../lib/control/model.ts";
import type { TierTable } from "../../lib/pool/pool.ts";
import { modelFrom, textOf } from "./model_world.ts";

Deno.test("a snapshot has everything of a model that a thread works by, under its slots", () => {
  const model = modelFrom(
    textOf({
      top: "log: { access: all }",
      listeners:
        `web: { bind: ["127.0.0.1:80", "unix:/run/a.sock"], pool: app, maxConnections: 7, timeouts: { connect: 1s, idle: 2s, halfClosed: 3s, stall: 4s, lifetime: 5s } }`,
      pools:
        `app: { algorithm: first, retry: { attempts: 2 }, targets: [{ address: "10.0.0.1:1", weight: 3, maxConnections: 4, tier: 5 }, "pair.test:2"] }`,
    }),
    { generation: 8, names: { "pair.test": { addresses: ["10.0.0.2"], problem: "old news" } } },
  );
  const keys = slotKeysOf(model);
  const table: TierTable = { tier: 0, slots: [], entries: new Uint16Array() };
  const snapshot = snapshotOf(model, {
    revision: 9,
    maxConnections: 20,
    slotOf: (key) => 10 + keys.indexOf(key),
    poolSlotOf: (pool) => pool === "app" ? 30 : NaN,
    tables: { of: (pool) => pool === model.pools[0] ? [table] : [] },
  });
  assert.deepEqual(snapshot, {
    revision: 9,
    generation: 8,
    access: "all",
    process: { slot: 10, maxConnections: 20 },
    listeners: [{
      name: "web",
      slot: 11,
      binds: ["127.0.0.1:80", "unix:/run/a.sock"],
      pool: "app",
      maxConnections: 7,
      connectTimeoutMs: 1_000,
      queueTimeoutMs: 5_000,
      relayLimits: {
        idleMs: 2_000,
        halfClosedMs: 3_000,
        stallMs: 4_000,
        lifetimeMs: 5_000,
        keepAliveMs: 60_000,
      },
    }],
    pools: [{
      name: "app",
      slot: 30,
      algorithm: "first",
      retry: { attempts: 2, pauseMs: 1_000 },
      queueSize: 1_000,
      holdMs: 0,
      failOpen: false,
      maxFailures: 5,
      tables: [table],
      targets: [
        {
          name: "10.0.0.1:1",
          addresses: [{ kind: "tcp", host: "10.0.0.1", port: 1 }],
          slot: 12,
          weight: 3,
          maxConnections: 4,
          tier: 5,
        },
        {
          name: "pair.test:2",
          addresses: [{ kind: "tcp", host: "10.0.0.2", port: 2 }],
          slot: 13,
          weight: 1,
          maxConnections: Infinity,
          tier: 0,
        },
      ],
    }],
  });
  assert.deepEqual(structuredClone(snapshot), snapshot, "it can be sent to a thread");
});
