import assert from "node:assert/strict";
import { engine } from "../support/engine.ts";
import { RunningLb } from "../support/lb.ts";
import { yaml } from "../support/yaml.ts";

const cores = navigator.hardwareConcurrency;

/** The cores that a thread may use, as the kernel writes them: `0-3,5`. */
function allowed(task: string): string {
  try {
    const status = Deno.readTextFileSync(`/proc/${task}/status`);
    return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "";
  } catch (error) {
    // A thread that has ended since it was listed.
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** How many cores have a thread of the process that keeps to them alone. */
function ownCores(pid: number): number {
  const lists = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => allowed(`${pid}/task/${name}`));
  return new Set(lists.filter((list) => /^\d+$/.test(list))).size;
}

/** Under a quota of processor time there are more cores than threads by default. */
function hasCoreForEach(): boolean {
  const counts = allowed("self").split(",").map((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return last! - first! + 1;
  });
  return counts.reduce((sum, count) => sum + count, 0) === cores;
}

async function coresWith(workers: string): Promise<number> {
  await using lb = await RunningLb.start(yaml({ targets: ["127.0.0.1:9"], process: `workers: ${workers}` }));
  return ownCores(lb.pid);
}

Deno.test({
  name:
    "with a thread for each core, each keeps to its own; a thread that is alone goes where the kernel wants it",
  // On one core there is nothing to see.
  ignore: engine !== "linux" || cores === 1 || !hasCoreForEach(),
  async fn() {
    assert.equal(await coresWith("auto"), cores);
    assert.equal(await coresWith("1"), 0);
  },
});
