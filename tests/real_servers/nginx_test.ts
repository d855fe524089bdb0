import assert from "node:assert/strict";
import { outputOf } from "../support/command.ts";
import { RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";
import { nginx, requestsOf, wrk } from "./nginx.ts";

const seconds = Deno.env.get("SOAK") === undefined ? 1 : 30;
const noErrors = { connect: 0, read: 0, write: 0, timeout: 0 };

function inFrontOf(targets: readonly { address: string }[]): Promise<RunningLb> {
  return RunningLb.start(JSON.stringify({
    log: { access: "all" },
    listeners: { web: { bind: "127.0.0.1:0", pool: "app" } },
    pools: {
      app: {
        targets: targets.map(({ address }) => address),
        health: {
          check: "http",
          expect: { body: "up" },
          interval: "200ms",
          fastInterval: "100ms",
          downInterval: "200ms",
        },
      },
    },
  }));
}

function sessionsOf(lb: RunningLb, { address }: { address: string }): number {
  return lb.records.filter(({ target }) => target === address).length;
}

/** How many lines the log says it has dropped: under such a load records may come faster than they are written. */
function linesLost(lb: RunningLb): number {
  return lb.lines.map(({ message }) => Number(/^(\d+) log lines were lost$/.exec(message ?? "")?.[1] ?? 0))
    .reduce((sum, count) => sum + count, 0);
}

testWith(
  { programs: ["nginx", "wrk"] },
  "two nginx share a load of kept connections and lose none of it",
  async () => {
    await using one = await nginx();
    await using two = await nginx();
    await using lb = await inFrontOf([one, two]);
    const { requests, errors } = await wrk(`http://127.0.0.1:${lb.port()}/small`, { seconds });
    assert.deepEqual(errors, noErrors);
    assert.ok(await requestsOf(one) + await requestsOf(two) >= requests);
    lb.kill("SIGTERM");
    assert.equal(await lb.ended(), 0);
    assert.ok(lb.records.length >= 64, `${lb.records.length} records`);
    assert.ok(Math.abs(sessionsOf(lb, one) - sessionsOf(lb, two)) <= 1);
  },
);

testWith(
  { programs: ["nginx", "wrk"] },
  "two nginx share a load of new connections and lose none of it",
  async () => {
    await using one = await nginx();
    await using two = await nginx();
    await using lb = await inFrontOf([one, two]);
    const args = ["-H", "Connection: close"];
    const { requests, errors } = await wrk(`http://127.0.0.1:${lb.port()}/small`, { seconds, args });
    assert.deepEqual(errors, noErrors);
    lb.kill("SIGTERM");
    assert.equal(await lb.ended(), 0);
    const [first, second] = [sessionsOf(lb, one), sessionsOf(lb, two)];
    const lost = linesLost(lb);
    assert.ok(first + second + lost >= requests, `${first}, ${second} and ${lost} for ${requests} requests`);
    assert.ok(Math.abs(first - second) <= lost + 0.01 * (first + second), `${first} and ${second} sessions`);
  },
);

testWith(
  { programs: ["nginx", "wrk"] },
  "a killed nginx costs only the requests that had reached it, and gets its share back",
  async () => {
    await using one = await nginx();
    await using two = await nginx();
    await using lb = await inFrontOf([one, two]);
    const args = ["-H", "Connection: close"];
    const load = wrk(`http://127.0.0.1:${lb.port()}/small`, { seconds: seconds + 3, args });
    await lb.until(() => sessionsOf(lb, two) > 500 || undefined);
    await two.kill();
    await lb.line(({ target, state }) => target === two.address && state === "down");
    await two.restart();
    await lb.line(({ target, state, from }) => target === two.address && state === "up" && from === "down");
    const { errors } = await load;
    // Of 64 connections each had at most one request in the killed nginx.
    assert.ok(errors.read <= 64, `${errors.read} read errors`);
    assert.deepEqual({ ...errors, read: 0 }, noErrors);
    assert.ok(await requestsOf(two) > 100);
    const refused = lb.records.filter(({ reason }) => /^(connect_|no_target)/.test(String(reason)));
    assert.deepEqual(refused, []);
  },
);

testWith(
  { programs: ["nginx", "curl", "cmp"] },
  "a file of 100 MB comes through equal to the byte",
  async () => {
    await using target = await nginx();
    const bytes = new Uint8Array(100_000_000);
    for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    await Deno.writeFile(`${target.folder}/big`, bytes);
    await using lb = await inFrontOf([target]);
    await outputOf("sh", ["-c", `curl -sf http://127.0.0.1:${lb.port()}/big | cmp - ${target.folder}/big`]);
  },
);
