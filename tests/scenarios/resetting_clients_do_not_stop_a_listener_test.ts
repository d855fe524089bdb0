/** Row 27 of the acceptance table: clients that reset before or right after they are accepted. */
import assert from "node:assert/strict";
import { exchange } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { type LogLine, RunningLb } from "../support/lb.ts";
import { RawConn } from "../support/raw_sockets.ts";
import { times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const resets = times({ short: 1_000, long: 10_000 });
const perSecond = 10;

Deno.test({
  name:
    "after any number of clients that reset at once the listener serves, and the log has a few lines about it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using target = new Target(echo);
    await using lb = await RunningLb.start(yaml({ targets: [target.address] }));
    const descriptors = lb.descriptors();
    const before = lb.lines.length;

    for (let done = 0; done < resets; done++) {
      RawConn.connect(lb.port())[Symbol.dispose]();
      // Some are reset while they wait to be accepted, some while they are connected to a target.
      if (done % 50 === 0) assert.equal(await exchange(lb.port(), "hello"), "hello");
    }

    const nextAt = performance.now();
    assert.equal(await exchange(lb.port(), "hello"), "hello");
    figure("next client", { row: 27, is: performance.now() - nextAt, most: 50, unit: "ms" });
    await eventually("descriptors back to where they were", () => lb.descriptors() <= descriptors + 2);
    // The sum of what was held back comes at the end.
    lb.kill("SIGTERM");
    assert.equal(await lb.ended(), 0);
    const told = lb.lines.slice(before);
    for (const [reason, lines] of Map.groupBy(told, ({ reason, cause }) => reason ?? cause)) {
      const most = perSecond * secondsBegun(lines);
      figure(`log lines for ${reason ?? "the rest"}`, { row: 27, is: lines.length, most, unit: "" });
      assert.ok(lines.length <= most, `${lines.length} lines for ${reason}, at most ${most} wanted`);
    }
  },
});

/** How many windows of a second a row of lines can have touched, with a sum for each. */
function secondsBegun(lines: readonly LogLine[]): number {
  const at = lines.map(({ time }) => Date.parse(time));
  return Math.ceil((Math.max(...at) - Math.min(...at)) / 1_000) + 2;
}
