import assert from "node:assert/strict";
import { chooseEngine } from "../../lib/relay/choose.ts";
import { engines, type Obstacle } from "../../lib/relay/engines.ts";
import { linuxObstacle } from "../../lib/relay/linux/obstacle.ts";
import type { EngineName } from "../../lib/values/words.ts";

/** Obstacles to the linux engine alone. */
function linuxHas(obstacle: Obstacle | undefined): (name: EngineName) => Promise<Obstacle | undefined> {
  return (name) => Promise.resolve(name === "linux" ? obstacle : undefined);
}

const failed: Obstacle = { why: "its self-test failed: splice: no such call", broken: true };

Deno.test("auto takes linux where it can run", async () => {
  assert.deepEqual(await chooseEngine("auto", linuxHas(undefined)), {
    kind: "chosen",
    engine: "linux",
    reason: "this machine can run it",
    warn: false,
  });
});

Deno.test("auto falls back to portable with a warning where linux should run and does not", async () => {
  assert.deepEqual(await chooseEngine("auto", linuxHas(failed)), {
    kind: "chosen",
    engine: "portable",
    reason: "linux cannot run: its self-test failed: splice: no such call",
    warn: true,
  });
});

Deno.test("auto falls back to portable without a warning where nobody expects linux to run", async () => {
  const choice = await chooseEngine("auto", linuxHas({ why: "this is darwin", broken: false }));
  assert.deepEqual(choice, {
    kind: "chosen",
    engine: "portable",
    reason: "linux cannot run: this is darwin",
    warn: false,
  });
});

Deno.test("linux that was asked for and cannot run is not replaced", async () => {
  assert.deepEqual(await chooseEngine("linux", linuxHas(failed)), {
    kind: "impossible",
    problem: "engine linux cannot run: its self-test failed: splice: no such call; write auto or portable",
  });
});

Deno.test("portable that was asked for is taken, and linux is not even tested", async () => {
  const choice = await chooseEngine("portable", async (name) => {
    if (name === "linux") throw new Error("tested");
    return await engines[name].obstacle();
  });
  assert.deepEqual(choice, { kind: "chosen", engine: "portable", reason: "configured", warn: false });
});

Deno.test({
  name: "a self-test that fails is an obstacle, and one that could be expected not to be",
  ignore: Deno.build.os !== "linux",
  async fn() {
    assert.equal(await linuxObstacle(() => Promise.resolve(undefined)), undefined);
    assert.deepEqual(await linuxObstacle(() => Promise.resolve("splice: no such call")), failed);
  },
});
