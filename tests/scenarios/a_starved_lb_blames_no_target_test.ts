/** Row 55 of the acceptance table: other programs take the processor away. */
import assert from "node:assert/strict";
import { healthyEcho } from "../support/echo_program.ts";
import { within } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { failuresOf, ProbeLoad } from "../support/probe.ts";
import { soak, times } from "../support/soak.ts";
import { Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const cores = navigator.hardwareConcurrency;
const burners = soak ? 8 * cores : cores;
const starvedMs = times({ short: 1_500, long: 60_000 });
const targets = times({ short: 4, long: 20 });

Deno.test({
  name: "while other programs take the processor, clients are served late, and no verdict changes",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using servers = new AsyncDisposableStack();
    const addresses = Array.from({ length: targets }, () => servers.use(new Target(healthyEcho)).address);
    await using lb = await RunningLb.start(yaml({
      targets: addresses,
      pool: "health: { check: http, interval: 500ms, timeout: 250ms }",
    }));
    const before = lb.lines.length;
    await using load = new ProbeLoad({ port: lb.port(), perSecond: 20 });

    {
      await using _starved = new Burners(burners);
      // Being starved for a while is the fault.
      await new Promise((resolve) => setTimeout(resolve, starvedMs));
    }

    const all = await load.stop();
    assert.deepEqual(failuresOf(all), {});
    const changes = lb.lines.slice(before).filter(({ target, state }) =>
      target !== undefined && state !== undefined
    );
    if (!soak) assert.deepEqual(changes, []);
    figure("changes of a verdict", { row: 55, is: changes.length, most: 0, unit: "" });
    figure("failed clients", { row: 55, is: Object.keys(failuresOf(all)).length, most: 0, unit: "" });
  },
});

/** Processes that do nothing but use the processor. Dispose it to have them killed. */
class Burners implements AsyncDisposable {
  readonly #processes: readonly Deno.ChildProcess[];

  constructor(count: number) {
    const args = ["-c", "while :; do :; done"];
    const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
    this.#processes = Array.from({ length: count }, () => new Deno.Command("sh", { args, ...quiet }).spawn());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) process.kill("SIGKILL");
    await within("the end of the burners", Promise.all(this.#processes.map(({ status }) => status)));
  }
}
