/** Row 22 of the acceptance table: clients that read one megabit a second of a target that sends as fast as it can. */
import assert from "node:assert/strict";
import { figure } from "../support/figure.ts";
import { many, payload, readExactly, Target, writePayload } from "../support/peers.ts";
import { times } from "../support/soak.ts";
import { connect, startLb } from "./program.ts";

const clients = times({ short: 10, long: 50 });
const seconds = times({ short: 1, long: 30 });
const bytesPerSecond = 1_000_000 / 8;
const stepsPerSecond = 10;
const mostEach = 2_000_000;
const far = 2 ** 40;

Deno.test("clients that read slowly get what was sent, and cost a bounded part of memory", async () => {
  await using target = new Target(async (conn) => {
    await writePayload(conn, 1, far);
  });
  await using lb = await startLb(target);
  using opened = new DisposableStack();
  const resident = lb.residentBytes();
  let most = 0;

  await many({ count: clients, width: clients }, async () => {
    const conn = opened.use(await connect(lb));
    const expected = piecesOf(bytesPerSecond / stepsPerSecond);
    for (let step = 0; step < seconds * stepsPerSecond; step++) {
      const got = await readExactly(conn, bytesPerSecond / stepsPerSecond);
      const { value } = expected.next();
      assert.ok(value !== undefined && sameBytes(got, value), `step ${step}: other bytes than were sent`);
      most = Math.max(most, lb.residentBytes() - resident);
      // Being slow is the fault.
      await new Promise((resolve) => setTimeout(resolve, 1_000 / stepsPerSecond));
    }
  });

  assert.ok(most <= 5 * clients * mostEach, `${clients} slow clients took ${most} bytes`);
  figure("memory for each slow client", {
    row: 22,
    is: most / clients / 1e6,
    most: mostEach / 1e6,
    unit: "MB",
  });
  assert.deepEqual(lb.records, []);
});

/** The target's payload, in pieces of another size. */
function* piecesOf(size: number): Generator<Uint8Array> {
  let rest = new Uint8Array();
  for (const piece of payload(1, far)) {
    const all = new Uint8Array(rest.length + piece.length);
    all.set(rest);
    all.set(piece, rest.length);
    let at = 0;
    for (; at + size <= all.length; at += size) yield all.subarray(at, at + size);
    rest = all.slice(at);
  }
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
