/** Row 40 of the acceptance table: reloads under new clients and bulk transfers. */
import assert from "node:assert/strict";
import { eventually, within } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { assertPayload, payload, readToEnd, writeAll } from "../support/peers.ts";
import { failuresOf, p99MsOf, ProbeLoad } from "../support/probe.ts";
import { soak, times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { assertReloaded, fronts } from "./fronts.ts";

const reloads = times({ short: 10, long: 100 });
const perSecond = soak ? 500 : 50;
const probes = times({ short: 30, long: 5_000 });
/** They are under way from before the first reload until after the last, each with a piece every so often. */
const transfers = times({ short: 4, long: 200 });
const mostBytes = 2 ** 40;
const piecePauseMs = soak ? 1_000 : 50;

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
  let reloading = true;
  const transferring = Promise.all(
    Array.from({ length: transfers }, (_, index) => transfer(lb.port(), { index, goesOn: () => reloading })),
  );
  await eventually("every transfer is under way", () => one.open + two.open >= transfers);
  const quiet = await load.more(probes);
  const resident = lb.residentBytes();

  const before = load.probes.length;
  for (let reload = 1; reload <= reloads; reload++) {
    assertReloaded(await lb.reload(configs[reload % configs.length]), `generation ${reload + 1}`);
    await load.more(times({ short: 2, long: 50 }));
  }
  const during = load.probes.slice(before);
  const growth = lb.residentBytes() / resident - 1;
  reloading = false;
  await within("the end of the transfers", transferring);
  const all = await load.stop();

  assert.deepEqual(failuresOf(all), {});
  assert.deepEqual(lb.records, []);
  figure("failed clients", { row: 40, is: Object.keys(failuresOf(all)).length, most: 0, unit: "" });
  figure("p99 of the probe", { row: 40, is: p99MsOf(during), most: p99MsOf(quiet) + 20, unit: "ms" });
  figure("memory more than before", { row: 40, is: Math.max(0, 100 * growth), most: 10, unit: "%" });
});

interface Transfer {
  readonly index: number;
  readonly goesOn: () => boolean;
}

/** Sends a payload, a piece after the other as long as it goes on, and has it back at the same time. */
async function transfer(port: number, { index, goesOn }: Transfer): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  let sent = 0;
  const send = async () => {
    for (const piece of payload(index, mostBytes)) {
      await writeAll(conn, piece);
      sent += piece.length;
      await new Promise((resolve) => setTimeout(resolve, piecePauseMs));
      if (!goesOn()) break;
    }
    await conn.closeWrite();
  };
  const [received] = await Promise.all([readToEnd(conn), send()]);
  assertPayload(received, index, sent);
}
