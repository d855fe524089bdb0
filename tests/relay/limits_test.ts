import assert from "node:assert/strict";
import {
  type Activity,
  type Expirable,
  expired,
  LimitSweeper,
  needsKeepAlive,
  sweepMs,
} from "../../lib/relay/limits.ts";
import type { RelayEnd, RelayLimits } from "../../lib/relay/engine.ts";
import { unlimited } from "../../lib/relay/engine.ts";

const limits: RelayLimits = {
  idleMs: 1_000,
  halfClosedMs: 100,
  stallMs: 200,
  lifetimeMs: 10_000,
  keepAliveMs: Infinity,
};

/** A session that began at 0 and has had nothing happen to it. */
const quiet: Activity = {
  startedAt: 0,
  lastByteAt: -Infinity,
  halfClosedAt: Infinity,
  waitingSince: Infinity,
};

const rules: {
  name: string;
  now: number;
  seen?: Partial<Activity>;
  with?: Partial<RelayLimits>;
  end: RelayEnd | undefined;
}[] = [
  { name: "a young session has time", now: 999, end: undefined },
  { name: "idle counts from the start where no byte has come", now: 1_000, end: "idle" },
  { name: "idle counts from the last byte", now: 1_500, seen: { lastByteAt: 501 }, end: undefined },
  {
    name: "idle is due a full limit after the last byte",
    now: 1_501,
    seen: { lastByteAt: 501 },
    end: "idle",
  },
  {
    name: "a half-closed session has its own, shorter limit",
    now: 150,
    seen: { halfClosedAt: 50 },
    end: "half_closed",
  },
  {
    name: "bytes after the half-close give it new time",
    now: 250,
    seen: { halfClosedAt: 50, lastByteAt: 151 },
    end: undefined,
  },
  {
    name: "and that is up a full limit after the last byte",
    now: 251,
    seen: { halfClosedAt: 50, lastByteAt: 151 },
    end: "half_closed",
  },
  {
    name: "quiet before the half-close does not count",
    now: 500,
    seen: { halfClosedAt: 401 },
    end: undefined,
  },
  {
    name: "bytes that wait are stalled after their limit",
    now: 300,
    seen: { lastByteAt: 100, waitingSince: 100 },
    end: "stalled",
  },
  {
    name: "bytes that wait have their time",
    now: 299,
    seen: { lastByteAt: 100, waitingSince: 100 },
    end: undefined,
  },
  {
    name: "bytes the other way do not save the ones that wait",
    now: 300,
    seen: { lastByteAt: 299, waitingSince: 100 },
    end: "stalled",
  },
  { name: "a lifetime ends a busy session", now: 10_000, seen: { lastByteAt: 9_999 }, end: "lifetime" },
  {
    name: "a lifetime leaves one alone that is younger",
    now: 9_999,
    seen: { lastByteAt: 9_998 },
    end: undefined,
  },
  {
    name: "stalled says more than half closed or idle",
    now: 2_000,
    seen: { halfClosedAt: 0, lastByteAt: 0, waitingSince: 0 },
    end: "stalled",
  },
  {
    name: "half closed says more than idle",
    now: 2_000,
    seen: { halfClosedAt: 0, lastByteAt: 0 },
    end: "half_closed",
  },
  {
    name: "a half-closed session still has an idle limit",
    now: 1_000,
    seen: { halfClosedAt: 0 },
    with: { halfClosedMs: Infinity },
    end: "idle",
  },
  {
    name: "no limit is never met",
    now: 1e12,
    seen: { halfClosedAt: 0, lastByteAt: 0, waitingSince: 0 },
    with: unlimited,
    end: undefined,
  },
];

for (const { name, now, seen, with: other, end } of rules) {
  Deno.test(name, () => assert.equal(expired({ ...quiet, ...seen }, { ...limits, ...other }, now), end));
}

Deno.test("limits are checked within 5 % of the shortest, between 5 ms and a second", () => {
  assert.equal(sweepMs({ ...unlimited, stallMs: 2_000 }), 100);
  assert.equal(
    sweepMs({ idleMs: 4_000, halfClosedMs: 800, stallMs: 900, lifetimeMs: 1_000, keepAliveMs: 1 }),
    40,
  );
  assert.equal(sweepMs({ ...unlimited, idleMs: 10 }), 5);
  assert.equal(sweepMs({ ...unlimited, idleMs: 3_600_000 }), 1_000);
  assert.equal(sweepMs(unlimited), 1_000);
});

/** A relay that began long ago and keeps what it is ended with. */
function watched(
  sweeper: LimitSweeper,
  own: Partial<RelayLimits>,
): Expirable & { readonly ended: Promise<RelayEnd> } {
  const { promise, resolve } = Promise.withResolvers<RelayEnd>();
  const relay = {
    setIndex: -1,
    limits: { ...unlimited, ...own },
    activity: { ...quiet, startedAt: performance.now() },
    keepsAlive: false,
    keepAlive() {
      relay.keepsAlive = true;
    },
    ended: promise,
    expire(end: RelayEnd) {
      sweeper.delete(relay);
      resolve(end);
    },
    fail: reportError,
  };
  return relay;
}

Deno.test("a relay past a limit is ended with it, and no timer is left", async () => {
  const sweeper = new LimitSweeper();
  const relay = watched(sweeper, { idleMs: 20 });
  sweeper.add(relay);
  assert.equal(await relay.ended, "idle");
});

Deno.test("a relay with a short limit is met although one with a long limit came first", async () => {
  const sweeper = new LimitSweeper();
  const [long, short] = [watched(sweeper, { idleMs: 3_600_000 }), watched(sweeper, { lifetimeMs: 20 })];
  sweeper.add(long);
  sweeper.add(short);
  assert.equal(await short.ended, "lifetime");
  sweeper.delete(long);
});

Deno.test("several relays that are due in one sweep are all ended", async () => {
  const sweeper = new LimitSweeper();
  const relays = Array.from({ length: 5 }, () => watched(sweeper, { idleMs: 20 }));
  for (const relay of relays) sweeper.add(relay);
  assert.deepEqual(await Promise.all(relays.map(({ ended }) => ended)), Array(5).fill("idle"));
});

Deno.test("a relay that was deleted is not ended", async () => {
  const sweeper = new LimitSweeper();
  const [gone, stays] = [watched(sweeper, { idleMs: 20 }), watched(sweeper, { idleMs: 20 })];
  sweeper.add(gone);
  sweeper.add(stays);
  sweeper.delete(gone);
  const first = await Promise.race([gone.ended.then(() => "gone"), stays.ended.then(() => "stays")]);
  assert.equal(first, "stays");
});

Deno.test("keep-alive is for a relay that is a second old, and not where there is to be none", () => {
  const limits = { ...unlimited, keepAliveMs: 60_000 };
  assert.equal(needsKeepAlive(500, limits, 1_499), false);
  assert.equal(needsKeepAlive(500, limits, 1_500), true);
  assert.equal(needsKeepAlive(500, unlimited, 1e12), false);
});

Deno.test("a relay that needs keep-alive gets it once", async () => {
  const sweeper = new LimitSweeper();
  let calls = 0;
  const old = { ...quiet, startedAt: performance.now() - 60_000 };
  const relay = {
    ...watched(sweeper, { keepAliveMs: 1_000, lifetimeMs: 60_100 }),
    activity: old,
    keepAlive() {
      calls++;
      relay.keepsAlive = true;
    },
    keepsAlive: false,
  };
  const ended = new Promise<RelayEnd>((resolve) => {
    relay.expire = (end) => {
      sweeper.delete(relay);
      resolve(end);
    };
  });
  // What has the sweep look often.
  const other = watched(sweeper, { idleMs: 50 });
  sweeper.add(relay);
  sweeper.add(other);
  await Promise.all([ended, other.ended]);
  assert.equal(calls, 1);
});

Deno.test("watching begins again after the last relay was gone", async () => {
  const sweeper = new LimitSweeper();
  for (const round of ["first", "second"]) {
    const relay = watched(sweeper, { idleMs: 20 });
    sweeper.add(relay);
    assert.equal(await relay.ended, "idle", round);
  }
});
