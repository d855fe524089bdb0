/** TERM or INT while lb starts: nobody is served yet, so there is nothing to drain. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { RunningLb, type RunOptions } from "../support/lb.ts";
import { loopbackAddress, NameWorld, noNameWorlds } from "../support/name_world.ts";
import { testWith } from "../support/needs.ts";
import { StubDns } from "../support/stub_dns.ts";
import { silence, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

/** A drain that would take for ever. */
const process = "workers: 2, maxConnections: 2000, drain: { delay: 1h, deadline: none }";

const signals = ["SIGTERM", "SIGINT"] as const;

/** Starts lb, waits until it has come so far, and fails unless a signal has it exit 0 without having served. */
async function stopsAt(
  isThere: () => boolean,
  { config, signal, ...options }: { config: string; signal: Deno.Signal } & RunOptions,
): Promise<void> {
  await using lb = await RunningLb.start(config, { ...options, waits: false });
  await eventually(() => `the place where it waits; ${lb.stderr}`, isThere);
  lb.kill(signal);
  assert.equal(await lb.ended(), 0, lb.stderr);
  assert.deepEqual(lb.lines.map(({ message }) => message), ["stopped"]);
}

for (const signal of signals) {
  Deno.test(`${signal} while lb waits for first probes ends the start at once, with exit 0`, async () => {
    await using target = new Target(silence);
    const config = yaml({
      targets: [target.address],
      process,
      pool: "health: { check: http, timeout: 1h, interval: 1h }",
    });
    await stopsAt(() => target.accepted > 0, { config, signal });
  });

  testWith(
    { obstacle: noNameWorlds },
    `${signal} while lb waits for names of targets, or for that of a bind before anything is bound, ends the start at once, with exit 0`,
    async () => {
      for (
        const traits of [{ targets: ["silent.test:1"] }, {
          targets: ["127.0.0.1:1"],
          bind: "silent.test:8080",
        }]
      ) {
        await using stub = new StubDns(() => "silent", { hostname: loopbackAddress(), port: 53 });
        using world = new NameWorld({
          hosts: "127.0.0.1 localhost\n",
          resolvConf: `nameserver ${stub.hostname}\noptions timeout:30 attempts:5\n`,
        });
        const config = yaml({ ...traits, process });
        await stopsAt(() => stub.asked.length > 0, { config, signal, prefix: world.inside });
      }
    },
  );
}
