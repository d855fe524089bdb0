import assert from "node:assert/strict";
import type { RelayEnd, RelayLimits } from "../../lib/relay/engine.ts";
import { payload } from "../support/payload.ts";
import { type Peer, receive, receiveExactly, sendAll, sendUntilEnd } from "../support/peer.ts";
import { type ContractCase, relayed, type World } from "./harness.ts";

const limitMs = 50;

async function endsBy(
  world: World,
  { limits, end, act }: {
    limits: Partial<RelayLimits>;
    end: RelayEnd;
    act?: (peers: { client: Peer; target: Peer }) => Promise<void>;
  },
): Promise<void> {
  const { client, target, relay } = await relayed(world, limits);
  await act?.({ client, target });
  assert.equal(await relay.ended, end);
  await Promise.all([receive(client), receive(target)]);
}

/** Keeps both directions busy until the session ends. */
async function chat(client: Peer, target: Peer): Promise<void> {
  const byte = payload(1, 1);
  try {
    for (;;) {
      await sendAll(client, byte);
      await receiveExactly(target, 1);
      await sendAll(target, byte);
      await receiveExactly(client, 1);
      // Without sockets nothing of this waits for the event loop, and no timer would run.
      await new Promise((resolve) => setTimeout(resolve));
    }
  } catch {
    // The session has ended.
  }
}

/** Each limit ends a session by itself, and both connections with it. */
export const timeLimits: readonly ContractCase[] = [
  {
    name: "a session without a byte ends at the idle limit",
    run: (world) => endsBy(world, { limits: { idleMs: limitMs }, end: "idle" }),
  },
  {
    name: "a session that goes quiet after bytes ends at the idle limit",
    run: (world) =>
      endsBy(world, {
        limits: { idleMs: limitMs },
        end: "idle",
        async act({ client, target }) {
          await sendAll(client, payload(3, 2));
          await receiveExactly(target, 3);
        },
      }),
  },
  {
    name: "a session whose client has finished ends at the half-closed limit",
    run: (world) =>
      endsBy(world, {
        limits: { halfClosedMs: limitMs },
        end: "half_closed",
        act: ({ client }) => client.closeWrite(),
      }),
  },
  {
    name: "a session whose target has finished ends at the half-closed limit",
    run: (world) =>
      endsBy(world, {
        limits: { halfClosedMs: limitMs },
        end: "half_closed",
        act: ({ target }) => target.closeWrite(),
      }),
  },
  {
    name: "bytes that a side does not take end the session at the stall limit",
    async run(world) {
      const { client, target, relay } = await relayed(world, { stallMs: limitMs });
      using _target = target;
      const [end] = await Promise.all([relay.ended, sendUntilEnd(client, 256 * 1024 * 1024)]);
      assert.equal(end, "stalled");
    },
  },
  {
    name: "a busy session ends at the lifetime limit",
    async run(world) {
      const { client, target, relay } = await relayed(world, { lifetimeMs: limitMs, idleMs: 60_000 });
      await Promise.all([chat(client, target), relay.ended]);
      assert.equal(await relay.ended, "lifetime");
    },
  },
  {
    name: "the limits of one session leave the others alone",
    async run(world) {
      const lasting = await relayed(world, { idleMs: 60_000 });
      await endsBy(world, { limits: { idleMs: limitMs }, end: "idle" });
      await sendAll(lasting.client, payload(10, 3));
      await receiveExactly(lasting.target, 10);
      lasting.relay.cut();
      assert.equal(await lasting.relay.ended, "cut");
    },
  },
];
