/** Row 20 of the acceptance table: packets between the balancer and its target are lost. */
import assert from "node:assert/strict";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";
import { FarHost, networkNeeds } from "../support/network.ts";
import { assertPayload, isCut, many, readUntilGone, writePayload } from "../support/peers.ts";
import { ProcessTarget } from "../support/process_target.ts";
import { reasonsOf } from "./program.ts";
import { soak, times } from "../support/soak.ts";
import { yaml } from "../support/yaml.ts";

const transfers = { count: times({ short: 4, long: 50 }), width: times({ short: 4, long: 10 }) };
/** Of each transfer. With every fifth packet lost, Linux waits for minutes now and then, and ten times for as much. */
const bytesAt = (percent: number) =>
  times({ short: 100_000, long: percent <= mostForProbes ? 5_000_000 : 500_000 });
const losses = soak ? [1, 5, 20] : [5];

for (const percent of losses) {
  testWith(
    networkNeeds(),
    `with ${percent} % of the packets lost every byte arrives both ways`,
    async () => {
      using far = new FarHost({ unreachable: 81, dropped: 82 });
      far.losePackets(percent);
      await using target = await ProcessTarget.start({ hostname: far.address, prefix: far.inside });
      await using lb = await RunningLb.start(
        yaml({ targets: [target.address], pool: poolAt(percent), top: "log: { access: all }" }),
      );
      if (percent <= mostForProbes) {
        await lb.line(({ target: of, state }) => of === target.address && state === "up");
      }
      const before = lb.lines.length;

      let failed = 0;
      await many(transfers, async (index) => {
        if (!await isEchoed(lb.port(), { index, bytes: bytesAt(percent) })) failed++;
      });

      await lb.until(() => lb.records.length >= transfers.count ? true : undefined);
      const changes = lb.lines.slice(before).filter(({ state }) => state === "down").length;
      if (percent <= mostForProbes) {
        figure(`verdicts down at ${percent} % loss`, { row: 20, is: changes, most: 0, unit: "" });
      }
      const reasons = reasonsOf(lb.records);
      assert.deepEqual([failed, reasons], [0, { done: transfers.count }]);
      figure(`failed transfers at ${percent} % loss`, { row: 20, is: failed, most: 0, unit: "" });
    },
  );
}

/** Up to so many percent a row of probes fails too seldom to be taken for a target that is down. */
const mostForProbes = 5;

/** Limits that leave time for a segment to be sent again and again, each time after twice as long. */
function poolAt(percent: number): string {
  const health = percent <= mostForProbes ? "{ check: tcp }" : "none";
  return `health: ${health}, timeouts: { connect: 1m, stall: 10m, halfClosed: 10m }`;
}

/** Sends a payload that comes back. False where the connection ends early; fails when other bytes come back. */
async function isEchoed(
  port: number,
  { index, bytes }: { index: number; bytes: number },
): Promise<boolean> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const send = async () => {
    await writePayload(conn, index, bytes);
    await conn.closeWrite();
  };
  const sending = send().catch((error) => {
    if (!isCut(error)) throw error;
  });
  const { received } = await readUntilGone(conn);
  await sending;
  assertPayload(received, index, received.size);
  return received.size === bytes;
}
