/** Row 18 of the acceptance table: a target stands still for a while (SIGSTOP) and goes on. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { healthyEcho } from "../support/echo_program.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { failuresOf, ProbeLoad } from "../support/probe.ts";
import { ProcessTarget } from "../support/process_target.ts";
import { soak, times } from "../support/soak.ts";
import { Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const sessions = times({ short: 20, long: 200 });
const stoppedMs = times({ short: 0, long: 30_000 });
const pace = soak ? { intervalMs: 2_000, timeoutMs: 1_000 } : { intervalMs: 100, timeoutMs: 200 };
const [rise, fall] = [2, 3];
const question = "0123456789".repeat(50);

Deno.test({
  name:
    "a target that stands still is taken down by its probes, keeps its sessions, and is up again when it goes on",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using stopped = await ProcessTarget.start();
    await using other = new Target(healthyEcho);
    const { intervalMs, timeoutMs } = pace;
    const every = `interval: ${intervalMs}ms, downInterval: ${intervalMs}ms, fastInterval: ${intervalMs}ms`;
    await using lb = await RunningLb.start(yaml({
      targets: [stopped.address, `{ address: "${other.address}", tier: 1 }`],
      pool: `health: { check: http, ${every}, timeout: ${timeoutMs}ms, rise: ${rise}, fall: ${fall} }`,
    }));
    const turns = (state: string) =>
      lb.line((line) => line["target"] === stopped.address && line["state"] === state);
    await turns("up");
    using opened = new DisposableStack();
    const clients: Client[] = [];
    for (let index = 0; index < sessions; index++) clients.push(opened.use(await Client.served(lb.port())));
    await using load = new ProbeLoad({ port: lb.port() });

    const stoppedAtMs = performance.now();
    stopped.signal("SIGSTOP");
    const answers = clients.map((client) => client.say(question));
    await turns("down");
    const downMs = performance.now() - stoppedAtMs;
    figure("down after", { row: 18, is: downMs, most: fall * intervalMs + timeoutMs, unit: "ms" });
    // Standing still for long is the fault.
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, stoppedMs - downMs)));

    const before = lb.lines.length;
    const goesOnAtMs = performance.now();
    stopped.signal("SIGCONT");
    await lb.until(() =>
      lb.lines.slice(before).find(({ target, state }) => target === stopped.address && state === "up")
    );
    const upMs = performance.now() - goesOnAtMs;
    figure("back after", { row: 18, is: upMs, most: rise * intervalMs, unit: "ms" });

    await Promise.all(answers);
    for (const client of clients) await client.say("still here");
    assert.deepEqual(failuresOf(await load.stop()), {});
    assert.deepEqual(lb.records, []);
  },
});
