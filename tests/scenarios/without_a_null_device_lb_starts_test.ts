/** A container, or a chroot, with an empty /dev. */
import assert from "node:assert/strict";
import { exchange } from "../support/client.ts";
import { RunningLb } from "../support/lb.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const emptyDev = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev && exec "$@"', "sh"] as const;

function reasonAgainst(): string | undefined {
  if (Deno.build.os !== "linux") return "mount namespaces are Linux's";
  try {
    const { success } = new Deno.Command(emptyDev[0], { args: [...emptyDev.slice(1), "true"] }).outputSync();
    return success ? undefined : "needs the right to mount";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "needs unshare";
    throw error;
  }
}

const reason = reasonAgainst();

Deno.test({
  name: `with nothing in /dev lb starts, knows its descriptor limit, and serves${
    reason === undefined ? "" : ` (${reason})`
  }`,
  ignore: reason !== undefined,
  async fn() {
    await using target = new Target(echo);
    const config = yaml({ targets: [target.address], process: "workers: 1" });
    await using lb = await RunningLb.start(config, {
      prefix: ["prlimit", "--nofile=300:300", ...emptyDev],
    });
    const started = lb.lines.find(({ maxConnections }) => maxConnections !== undefined);
    assert.ok(Number(started?.["maxConnections"]) < 150, String(started?.message));
    assert.equal(await exchange(lb.port(), "hello"), "hello");
  },
});
