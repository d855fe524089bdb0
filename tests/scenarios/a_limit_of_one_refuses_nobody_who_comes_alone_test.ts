/** One client, one session at a time, and a limit of one: the permit of each session is back before the next one is refused. */
import assert from "node:assert/strict";
import { exchange, received } from "../support/client.ts";
import { RunningLb } from "../support/lb.ts";
import { times } from "../support/soak.ts";
import { echo, named, type Serve, Target, writeAll } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";
import { reasonsOf } from "./program.ts";

const sessions = times({ short: 200, long: 1_000 });

/** Ends the connection itself, as soon as it has said something. */
const servedAndClosed: Serve = async (conn) => await writeAll(conn, new TextEncoder().encode("served"));

const ends = {
  "the server ends first": { serve: servedAndClosed, visit: received, answer: "served" },
  "the client ends first": { serve: echo, visit: (port: number) => exchange(port, "hello"), answer: "hello" },
} as const;

const limits = {
  process: (workers: number) => ({ process: `workers: ${workers}, maxConnections: 1` }),
  listener: (workers: number) => ({ process: `workers: ${workers}`, listener: "maxConnections: 1" }),
  target: (workers: number) => ({ process: `workers: ${workers}`, maxConnections: 1 }),
} as const;

/** Two threads have no common order in which the end of a session and the next client are looked at. */
const cases = Object.entries(limits).flatMap(([what, optionsFor]) =>
  [1, 2].map((workers) => ({ what: `${what}, with ${workers} workers,`, options: optionsFor(workers) }))
);

for (const { what, options } of cases) {
  for (const [end, { serve, visit, answer }] of Object.entries(ends)) {
    Deno.test(`maxConnections 1 of a ${what} refuses none of ${sessions} clients who come one after the other: ${end}`, async () => {
      await using target = new Target(serve);
      const address = "maxConnections" in options
        ? `{ address: "${target.address}", maxConnections: ${options.maxConnections} }`
        : target.address;
      await using lb = await RunningLb.start(
        yaml({ targets: [address], top: "log: { access: all }", ...options }),
      );

      let served = 0;
      for (let session = 0; session < sessions; session++) {
        if (await visit(lb.port()).catch(() => "reset") === answer) served++;
      }

      await lb.until(() => lb.records.length >= sessions || undefined);
      assert.deepEqual(reasonsOf(lb.records), { done: sessions });
      assert.equal(served, sessions);
    });
  }
}

// With one thread: another would choose by counts that are a moment old.
Deno.test("leastConnections sends clients who come one after the other to its two targets in turn", async () => {
  await using one = new Target(named("one"));
  await using two = new Target(named("two"));
  await using lb = await RunningLb.start(
    yaml({
      process: "workers: 1",
      targets: [one.address, two.address],
      pool: "algorithm: leastConnections, health: none",
    }),
  );

  const answers: string[] = [];
  for (let session = 0; session < 40; session++) answers.push(await received(lb.port()));

  const [first, second] = answers;
  assert.deepEqual(new Set([first, second]), new Set(["one", "two"]));
  assert.deepEqual(answers, answers.map((_, session) => session % 2 === 0 ? first : second));
});
