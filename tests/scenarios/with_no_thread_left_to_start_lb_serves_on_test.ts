/** The pids limit is used up, as by a neighbour in the same container that starts process after process. */
import assert from "node:assert/strict";
import { Client, exchange } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { RunningLb } from "../support/lb.ts";
import { noPidsLimit, PidsLimit } from "../support/pids_limit.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

/** Deno ends a thread for files and name lookups that had nothing to do for 10 seconds. */
const idleThreadMs = 10_000;

/** lb uses one of them every 3 seconds, in turn, so that no more than these live on. */
const keptThreads = 3;

/** Deno 2.4 starts a thread to end another one, and itself ends where it cannot. */
const endsThreadsByThreads = Deno.version.deno.startsWith("2.4.");

const top = "log: { access: all }";
const reason = noPidsLimit === undefined ? "" : ` (${noPidsLimit})`;

Deno.test({
  name:
    `a quiet lb that can start no thread any more logs, reloads, looks names up, serves and drains${reason}`,
  ignore: noPidsLimit !== undefined,
  async fn() {
    using limit = new PidsLimit();
    await using target = new Target(echo);
    const pool = "health: { check: tcp, interval: 1h, downInterval: 1h, fastInterval: 1h, initial: up }";
    await using lb = await RunningLb.start(yaml({ targets: [target.address], pool, top }), {
      prefix: limit.inside,
    });
    using open = await Client.served(lb.port());
    const quietSince = performance.now();
    await eventually(
      "the end of every thread that has nothing to do",
      () => performance.now() - quietSince > idleThreadMs * 1.2 && poolThreads(lb.pid) <= keptThreads,
    );
    limit.useUp();
    const threads = limit.used;

    // A log line.
    assert.equal(await exchange(lb.port(), "hello"), "hello");
    await lb.until(() => lb.records[0]);
    // A reload, and a look-up: this probe is the only one that asks for a name.
    const byName = `  named: { targets: ["localhost:${
      target.address.split(":")[1]
    }"], health: { check: tcp } }\n`;
    await lb.writeConfig(
      yaml({ targets: [target.address], pool: `${pool}, algorithm: first`, top }) + byName,
    );
    lb.kill("SIGHUP");
    await lb.line(({ message }) => message?.startsWith("reloaded") ?? false);
    await lb.line((line) => line["pool"] === "named" && line["state"] === "up");
    // Sessions, old and new, and the end.
    await open.say("still here");
    assert.equal(await exchange(lb.port(), "hello again"), "hello again");
    await lb.until(() => lb.records[1]);
    assert.ok(limit.used <= threads, `${limit.used} threads, ${threads} were allowed`);
    open[Symbol.dispose]();
    if (endsThreadsByThreads) limit.lift();
    lb.kill("SIGTERM");
    assert.equal(await lb.ended(), 0, lb.stderr);
    assert.equal(lb.stderr, "");
  },
});

/** How many threads a process has for calls that wait: files, name lookups. */
function poolThreads(pid: number): number {
  const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return tasks.filter(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/task/${name}/comm`).startsWith("tokio-runtime-w");
    } catch {
      // It has just ended.
      return false;
    }
  }).length;
}
