/** Every name server is silent: each lookup holds one of Deno's 32 threads for such calls, for minutes. */
import assert from "node:assert/strict";
import { exchange } from "../support/client.ts";
import { RunningLb } from "../support/lb.ts";
import { noSilentResolver, SilentResolver } from "../support/silent_resolver.ts";
import { echo, Target } from "../support/target.ts";

/** More than there are threads. */
const names = Array.from({ length: 80 }, (_, n) => `db${n}.silent.test:5432`);

/** There the start waits for the first probes, and those for lookups that were given up long ago. */
const against = Deno.version.deno.startsWith("2.4.")
  ? "Deno 2.4 does not let go of a lookup that is given up"
  : noSilentResolver;
const reason = against === undefined ? "" : ` (${against})`;

Deno.test({
  name: `while no name server answers, log lines are written and a reload is done${reason}`,
  ignore: against !== undefined,
  async fn() {
    await using resolver = await SilentResolver.start();
    await using target = new Target(echo);
    const config = (algorithm: string) =>
      JSON.stringify({
        process: { workers: 1 },
        log: { access: "all" },
        listeners: {
          web: { bind: "127.0.0.1:0", pool: "app" },
          db: { bind: "127.0.0.1:0", pool: "db" },
        },
        pools: {
          app: { targets: [target.address], health: "none", algorithm },
          db: { targets: names, health: { check: "tcp", timeout: "500ms", interval: "1s" } },
        },
      });
    await using lb = await RunningLb.start(config("roundRobin"), { prefix: resolver.inside });

    for (let session = 1; session <= 3; session++) {
      assert.equal(await exchange(lb.port(), "hello"), "hello");
      await lb.until(() => lb.records.length >= session || undefined);
    }
    await lb.writeConfig(config("first"));
    lb.kill("SIGHUP");
    await lb.line(({ message }) => message?.startsWith("reloaded") ?? false);
    assert.equal(await exchange(lb.port(), "hello"), "hello");

    lb.kill("SIGTERM");
    assert.equal(await lb.ended(), 0);
  },
});
