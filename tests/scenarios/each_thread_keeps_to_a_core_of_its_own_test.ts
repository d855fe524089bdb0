import assert from "node:assert/strict";
import { engine } from "../support/engine.ts";
import { RunningLb } from "../support/lb.ts";
import { yaml } from "../support/yaml.ts";

const cores = navigator.hardwareConcurrency;

/** The cores that a thread of the process is kept to alone. */
function ownCores(pid: number): Set<string> {
  const lists = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => {
    const status = Deno.readTextFileSync(`/proc/${pid}/task/${name}/status`);
    return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "";
  });
  return new Set(lists.filter((list) => /^\d+$/.test(list)));
}

async function coresWith(workers: string): Promise<Set<string>> {
  await using lb = await RunningLb.start(yaml({ targets: ["127.0.0.1:9"], process: `workers: ${workers}` }));
  return ownCores(lb.pid);
}

Deno.test({
  name:
    "with a thread for each core, each keeps to its own; a thread that is alone goes where the kernel wants it",
  // On one core there is nothing to see.
  ignore: engine !== "linux" || cores === 1,
  async fn() {
    assert.equal((await coresWith("auto")).size, cores);
    assert.equal((await coresWith("1")).size, 0);
  },
});
