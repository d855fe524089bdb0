import assert from "node:assert/strict";
import { connectInOrder } from "../../lib/relay/connect_in_order.ts";
import type { Connected, ConnectFailure, Socket } from "../../lib/relay/engine.ts";
import type { SocketAddress } from "../../lib/values/address.ts";

/** What an address does: fails after so many milliseconds, never answers, or connects. */
type Behaviour = { readonly failure: ConnectFailure; readonly afterMs: number } | "silent" | "connects";

/** Tries addresses that behave like this, on a clock of its own; how it ended, and the time that each was given. */
async function trying(behaviours: readonly Behaviour[], timeoutMs: number) {
  let now = 500;
  const sharesMs: number[] = [];
  const addresses = behaviours.map((_, index): SocketAddress => ({
    kind: "tcp",
    host: "10.0.0.1",
    port: index,
  }));
  const connectTo = (address: SocketAddress, shareMs: number): Promise<Connected> => {
    const behaviour = behaviours[address.kind === "tcp" ? address.port : NaN]!;
    sharesMs.push(shareMs);
    if (behaviour === "connects") {
      return Promise.resolve({ kind: "connected", socket: {} as Socket, index: 0 });
    }
    const { failure, afterMs } = behaviour === "silent"
      ? { failure: "timeout" as const, afterMs: shareMs }
      : behaviour;
    now += afterMs;
    return Promise.resolve({ kind: "failed", failure, detail: `is ${failure}` });
  };
  const connected = await connectInOrder(addresses, { timeoutMs, now: () => now, connectTo });
  return { connected, sharesMs, tookMs: now - 500 };
}

async function failureOf(behaviours: readonly Behaviour[]): Promise<string> {
  const { connected } = await trying(behaviours, 1_000);
  return connected.kind === "failed" ? connected.failure : "connected";
}

const at = (failure: ConnectFailure, afterMs = 0): Behaviour => ({ failure, afterMs });

Deno.test("each address has an equal share of the time, and all together no more than that", async () => {
  const { sharesMs, tookMs } = await trying(["silent", "silent", "silent", "silent"], 1_000);
  assert.deepEqual([sharesMs, tookMs], [[250, 250, 250, 250], 1_000]);
});

Deno.test("an address that refuses at once leaves its share to the others", async () => {
  const { connected, sharesMs } = await trying([at("refused", 100), "silent", "connects"], 1_000);
  assert.deepEqual(sharesMs, [1_000 / 3, 450, 450]);
  assert(connected.kind === "connected");
  assert.equal(connected.index, 2);
});

Deno.test("an address that takes longer than it was given leaves the others what is left, at least nothing", async () => {
  const { sharesMs } = await trying([at("timeout", 1_500), at("refused")], 1_000);
  assert.deepEqual(sharesMs, [500, 0]);
});

Deno.test("without a limit no address has one", async () => {
  assert.deepEqual((await trying([at("refused"), "connects"], Infinity)).sharesMs, [Infinity, Infinity]);
});

Deno.test("a client that is gone ends it, and no other address is tried", async () => {
  const { connected, sharesMs } = await trying([at("refused"), at("client_gone"), "connects"], 1_000);
  assert.deepEqual(connected, { kind: "failed", failure: "client_gone", detail: "is client_gone" });
  assert.equal(sharesMs.length, 2);
});

for (
  const [failures, expected] of [
    [["unreachable", "refused"], "refused"],
    [["refused", "timeout"], "refused"],
    [["timeout", "unreachable"], "timeout"],
    [["resource", "refused"], "resource"],
    [["unreachable", "resource"], "resource"],
    [["unreachable", "unreachable"], "unreachable"],
  ] as const
) {
  Deno.test(`addresses that fail as ${failures.join(" and ")} fail together as ${expected}`, async () => {
    assert.equal(await failureOf(failures.map((failure) => at(failure))), expected);
  });
}

Deno.test("the words of all addresses are reported, each with its address", async () => {
  const { connected } = await trying([at("refused"), at("unreachable")], 1_000);
  assert(connected.kind === "failed");
  assert.equal(connected.detail, "10.0.0.1:0: is refused; 10.0.0.1:1: is unreachable");
});

Deno.test("one address alone is tried with all the time, and its words stand without it", async () => {
  const { connected, sharesMs } = await trying([at("refused")], 1_000);
  assert.deepEqual(connected, { kind: "failed", failure: "refused", detail: "is refused" });
  assert.deepEqual(sharesMs, [1_000]);
});

Deno.test("no address at all is unreachable", async () => {
  const { connected } = await trying([], 1_000);
  assert.deepEqual(connected, { kind: "failed", failure: "unreachable", detail: "no address" });
});
