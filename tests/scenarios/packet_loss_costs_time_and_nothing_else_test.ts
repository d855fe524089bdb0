/** Row 20 of the acceptance table: packets between the balancer and its target are lost. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";
import { FarHost, networkNeeds } from "../support/network.ts";
import { many, payloadSha, writePayload } from "../support/peers.ts";
import { ProcessTarget } from "../support/process_target.ts";
import { soak, times } from "../support/soak.ts";
import { yaml } from "../support/yaml.ts";

const transfers = { count: times({ short: 4, long: 50 }), width: times({ short: 4, long: 10 }) };
const bytes = times({ short: 100_000, long: 5_000_000 });
const losses = soak ? [1, 5, 20] : [5];

for (const percent of losses) {
  testWith(
    networkNeeds(),
    `with ${percent} % of the packets lost every byte arrives both ways`,
    async () => {
      using far = new FarHost({ unreachable: 81, dropped: 82 });
      await using target = await ProcessTarget.start({ hostname: far.address, prefix: far.inside });
      await using lb = await RunningLb.start(
        yaml({ targets: [target.address], pool: "health: { check: tcp }", top: "log: { access: all }" }),
      );
      await lb.line(({ target: of, state }) => of === target.address && state === "up");
      const before = lb.lines.length;
      far.losePackets(percent);

      let failed = 0;
      await many(transfers, async (index) => {
        // Where one in five packets is lost a connection may take longer than its limit, and is a transfer less.
        if (!await isEchoed(lb.port(), index)) failed++;
      });

      await lb.until(() => lb.records.length >= transfers.count ? true : undefined);
      const changes = lb.lines.slice(before).filter(({ state }) => state === "down").length;
      if (percent <= 5) {
        figure(`verdicts down at ${percent} % loss`, { row: 20, is: changes, most: 0, unit: "" });
      }
      const refused = lb.records.filter(({ reason }) => reason !== "done").length;
      assert.ok(failed <= refused, `${failed} transfers failed, ${refused} sessions did not end well`);
      const mostFailed = percent <= 5 ? 0 : transfers.count / 10;
      figure(`failed transfers at ${percent} % loss`, { row: 20, is: failed, most: mostFailed, unit: "" });
    },
  );
}

/** Sends a payload that comes back. False where the balancer refused; fails when other bytes come back. */
async function isEchoed(port: number, index: number): Promise<boolean> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const hash = createHash("sha256");
  const buffer = new Uint8Array(256 * 1024);
  const receive = async () => {
    for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
      hash.update(buffer.subarray(0, size));
    }
  };
  const send = async () => {
    await writePayload(conn, index, bytes);
    await conn.closeWrite();
  };
  try {
    await Promise.all([send(), receive()]);
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) return false;
    throw error;
  }
  assert.equal(hash.digest("hex"), payloadSha(index, bytes));
  return true;
}
