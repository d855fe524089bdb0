/** Row 40 of the acceptance table: reloads under new clients and bulk transfers. */
import assert from "node:assert/strict";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { assertPayload, many, readToEnd, writePayload } from "../support/peers.ts";
import { failuresOf, p99MsOf, ProbeLoad } from "../support/probe.ts";
import { soak, times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { assertReloaded, fronts } from "./fronts.ts";

const reloads = times({ short: 10, long: 100 });
const perSecond = soak ? 500 : 50;
const probes = times({ short: 30, long: 5_000 });
const transfers = { count: times({ short: 4, long: 200 }), width: times({ short: 2, long: 8 }) };
const bytes = times({ short: 2_000_000, long: 20_000_000 });

Deno.test(`${reloads} reloads under load cost neither a client nor a byte`, async () => {
  await using one = new Target(echo);
  await using two = new Target(echo);
  const web = ["127.0.0.1:0", "app"] as const;
  // Each leaves the listener in place and changes what is behind it.
  const configs = [[one, two], [one], [two]].map((app, index) =>
    fronts({
      listeners: { web },
      pools: { app },
      top: { defaults: { timeouts: { idle: `${10 + index}m` } }, log: { access: "abnormal" } },
    })
  );
  await using lb = await RunningLb.start(configs[0]!);
  await using load = new ProbeLoad({ port: lb.port(), perSecond });
  let done = 0;
  const transferring = many(transfers, async (index) => {
    await transfer(lb.port(), index);
    done++;
  });
  const quiet = await load.more(probes);
  const resident = lb.residentBytes();

  const before = load.probes.length;
  for (let reload = 1; reload <= reloads; reload++) {
    assertReloaded(await lb.reload(configs[reload % configs.length]), `generation ${reload + 1}`);
    await load.more(times({ short: 2, long: 50 }));
  }
  const during = load.probes.slice(before);
  const growth = lb.residentBytes() / resident - 1;
  await transferring;
  const all = await load.stop();

  assert.deepEqual(failuresOf(all), {});
  assert.deepEqual(lb.records, []);
  assert.equal(done, transfers.count);
  figure("failed clients", { row: 40, is: Object.keys(failuresOf(all)).length, most: 0, unit: "" });
  figure("p99 of the probe", { row: 40, is: p99MsOf(during), most: p99MsOf(quiet) + 20, unit: "ms" });
  figure("memory more than before", { row: 40, is: Math.max(0, 100 * growth), most: 10, unit: "%" });
});

/** Sends a payload and has it back, at the same time. */
async function transfer(port: number, index: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const send = async () => {
    await writePayload(conn, index, bytes);
    await conn.closeWrite();
  };
  const [received] = await Promise.all([readToEnd(conn), send()]);
  assertPayload(received, index, bytes);
}
