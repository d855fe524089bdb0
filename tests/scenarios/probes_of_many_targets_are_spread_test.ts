/** Row 25 of the acceptance table: many targets, probed every second. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { soak, times } from "../support/soak.ts";
import { silence, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const count = times({ short: 40, long: 200 });
const rounds = times({ short: 3, long: 60 });
const intervalMs = soak ? 1_000 : 200;
const windowMs = 50;

Deno.test({
  name: "the probes of many targets are spread over their interval, and none is left out",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const probes: { atMs: number; address: string }[] = [];
    await using target = new Target(async (conn) => {
      const { hostname } = conn.localAddr;
      probes.push({ atMs: performance.now(), address: hostname });
      await silence(conn);
    }, { hostname: "0.0.0.0" });
    const port = target.address.split(":")[1];
    const hosts = Array.from({ length: count }, (_, index) => `127.0.7.${index + 1}`);
    await using lb = await RunningLb.start(yaml({
      targets: hosts.map((host) => `${host}:${port}`),
      pool: `health: { check: tcp, interval: ${intervalMs}ms }`,
    }));
    // At the start each is probed at once.
    const first = probes.length;
    await eventually("a round of probes", () => probes.length >= first + count);

    const [begin, startedAtMs, cpu] = [probes.length, performance.now(), lb.cpuSeconds()];
    await eventually(
      () => `${rounds} rounds of probes; there are ${(probes.length - begin) / count}`,
      () => probes.length >= begin + rounds * count,
      { maxMs: 30_000 + 3 * rounds * intervalMs },
    );
    const lastedMs = performance.now() - startedAtMs;
    const share = 1_000 * (lb.cpuSeconds() - cpu) / lastedMs;
    const seen = probes.slice(begin);

    assert.deepEqual(new Set(seen.map(({ address }) => address)), new Set(hosts));
    assert.deepEqual(lb.lines.filter(({ state }) => state === "down"), []);
    const mean = seen.length * windowMs / lastedMs;
    const most = mostWithin(seen.map(({ atMs }) => atMs));
    figure(`most probes in ${windowMs} ms`, { row: 25, is: most, most: 3 * mean, unit: "" });
    figure("CPU for 200 probes a second", { row: 25, is: 100 * share, most: 15, unit: "%" });
  },
});

/** The most that fall into one window, wherever it begins. */
function mostWithin(timesMs: readonly number[]): number {
  let [most, oldest] = [0, 0];
  for (const [index, atMs] of timesMs.entries()) {
    while (timesMs[oldest]! < atMs - windowMs) oldest++;
    most = Math.max(most, index - oldest + 1);
  }
  return most;
}
