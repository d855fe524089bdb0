/** Row 54 of the acceptance table: mixed traffic for a long time. `SOAK_MINUTES` says how long the long form lasts. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { assertPayload, many, readToEnd, writePayload } from "../support/peers.ts";
import { failuresOf, ProbeLoad } from "../support/probe.ts";
import { RawConn } from "../support/raw_sockets.ts";
import { soak } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const minutes = Number(Deno.env.get("SOAK_MINUTES") ?? "20");
const lastsMs = soak ? minutes * 60_000 : 2_000;
/** Until then the collector, the pools of pipes and the kernel's buffers find their sizes. */
const warmMs = lastsMs / 2;
const sampleMs = soak ? 1_000 : 100;
const mostGrowthPerHour = 1;

/** A look at the process: when, in hours, and what it has in MB. */
type Sample = readonly [hours: number, MB: number];

Deno.test({
  name: "under mixed traffic nothing is lost, and neither memory nor descriptors grow",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using target = new Target(echo);
    await using lb = await RunningLb.start(
      yaml({ targets: [target.address], pool: "health: { check: tcp, interval: 1s }" }),
    );
    const descriptors = lb.descriptors();
    const startedAtMs = performance.now();
    const lasts = () => performance.now() - startedAtMs < lastsMs;
    await using load = new ProbeLoad({ port: lb.port() });
    const traffic = Promise.all([bulk(lb.port(), lasts), resets(lb.port(), lasts)]);

    const samples: Sample[] = [];
    while (lasts()) {
      await new Promise((resolve) => setTimeout(resolve, sampleMs));
      const now = performance.now() - startedAtMs;
      if (now >= warmMs) samples.push([now / 3_600_000, lb.residentBytes() / 1e6]);
    }

    const [transfers] = await traffic;
    const all = await load.stop();
    assert.deepEqual(failuresOf(all), {});
    assert.ok(transfers > 0);
    assert.deepEqual(lb.lines.filter(({ state }) => state === "down"), []);
    await eventually("descriptors back to where they were", () => lb.descriptors() <= descriptors + 2);
    figure("memory an hour", { row: 54, is: slopeOf(samples), most: mostGrowthPerHour, unit: "MB" });
    figure("failed sessions", { row: 54, is: Object.keys(failuresOf(all)).length, most: 0, unit: "" });
    const kept = Math.max(0, lb.descriptors() - descriptors);
    figure("descriptors more than at the start", { row: 54, is: kept, most: 2, unit: "" });
  },
});

/** One transfer after the other; gives how many there were. */
async function bulk(port: number, goesOn: () => boolean): Promise<number> {
  const bytes = 1_000_000;
  let done = 0;
  while (goesOn()) {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const send = async () => {
      await writePayload(conn, done, bytes);
      await conn.closeWrite();
    };
    const [received] = await Promise.all([readToEnd(conn), send()]);
    assertPayload(received, done, bytes);
    done++;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return done;
}

/** Clients that reset in the middle, a few at a time. */
async function resets(port: number, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    await many({ count: 5, width: 5 }, async () => {
      using client = RawConn.connect(port);
      await client.send(new Uint8Array(1_000));
      await client.receive(500);
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** How much a row of samples rises in an hour: the slope of the least squares. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (at: 0 | 1) => samples.reduce((sum, sample) => sum + sample[at], 0) / samples.length;
  const [hours, size] = [mean(0), mean(1)];
  const both = samples.reduce((sum, [x, y]) => sum + (x - hours) * (y - size), 0);
  const square = samples.reduce((sum, [x]) => sum + (x - hours) ** 2, 0);
  return both / square;
}
