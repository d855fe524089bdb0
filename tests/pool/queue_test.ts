import assert from "node:assert/strict";
import * as fc from "fast-check";
import { Queue, type Queued } from "../../lib/pool/queue.ts";

interface Client extends Queued {
  readonly number: number;
}

function client(number: number): Client {
  return { number, next: undefined, previous: undefined };
}

Deno.test("who came first is first, and whoever leaves from anywhere leaves the others in their order", () => {
  const queue = new Queue<Client>();
  const clients = Array.from({ length: 5 }, (_, number) => client(number));
  for (const each of clients) queue.add(each);
  for (const leaving of [2, 0, 4]) queue.delete(clients[leaving]!);
  assert.deepEqual([queue.size, queue.first?.number, queue.behind(queue.first!)?.number], [2, 1, 3]);
  queue.delete(clients[1]!);
  queue.delete(clients[3]!);
  assert.deepEqual([queue.size, queue.first], [0, undefined]);
  queue.add(clients[4]!);
  assert.equal(queue.first?.number, 4);
});

type Step = { readonly kind: "come" } | { readonly kind: "serve" } | {
  readonly kind: "leave";
  readonly at: number;
};

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Step>({ kind: "come" }) },
    { weight: 4, arbitrary: fc.constant<Step>({ kind: "serve" }) },
    { weight: 2, arbitrary: fc.nat({ max: 5_000 }).map((at): Step => ({ kind: "leave", at })) },
  ),
  { minLength: 10_000, maxLength: 40_000, size: "max" },
);

Deno.test("of ten thousand clients that come, are served and leave in any order, none is lost and none served twice", () => {
  fc.assert(
    fc.property(steps, (steps) => {
      const queue = new Queue<Client>();
      /** The same line as a plain list. */
      let line: Client[] = [];
      const outcomes = new Map<number, string>();
      let came = 0;
      const end = (client: Client, outcome: string) => {
        assert.ok(
          !outcomes.has(client.number),
          `client ${client.number} was ${outcomes.get(client.number)} before`,
        );
        outcomes.set(client.number, outcome);
        queue.delete(client);
      };
      const serve = () => {
        const first = queue.first;
        assert.equal(first?.number, line[0]?.number);
        line = line.slice(1);
        if (first !== undefined) end(first, "served");
      };
      for (const step of steps) {
        if (step.kind === "come") {
          const one = client(came++);
          line.push(one);
          queue.add(one);
        } else if (step.kind === "serve") serve();
        else if (line.length > 0) {
          const [leaving] = line.splice(step.at % line.length, 1);
          end(leaving!, "gone");
        }
        assert.equal(queue.size, line.length);
      }
      while (queue.size > 0) serve();
      assert.equal(outcomes.size, came);
    }),
    { numRuns: 20 },
  );
});
