import assert from "node:assert/strict";
import { exchange } from "../support/client.ts";
import { engine } from "../support/engine.ts";
import { lb, RunningLb } from "../support/lb.ts";
import { echo, Target } from "../support/target.ts";
import { TextFile } from "../support/text_file.ts";
import { yaml } from "../support/yaml.ts";

// `auto`, the default, is checked at every start of the program by the tests.

for (const asked of ["linux", "portable"] as const) {
  const ignore = asked === "linux" && engine === "portable";
  Deno.test({
    name: `engine ${asked} is what runs where it is asked for${
      ignore ? " (ignored: linux needs FFI, which the tests of the portable engine do not grant)" : ""
    }`,
    ignore,
    async fn() {
      await using target = new Target(echo);
      await using lb = await RunningLb.start(
        yaml({ targets: [target.address], process: `engine: ${asked}, workers: 1` }),
      );
      const started = lb.lines.find((line) => "engineReason" in line);
      assert.deepEqual([started?.["engine"], started?.["engineReason"]], [asked, "configured"]);
      assert.equal(await exchange(lb.port(), "hello"), "hello");
    },
  });
}

const hasFfi = engine === "linux" && Deno.env.has("LB_BINARY");

Deno.test({
  name: `engine linux without the FFI permission does not start and says what is missing${
    hasFfi ? " (ignored: this binary has the permission)" : ""
  }`,
  ignore: Deno.build.os !== "linux" || hasFfi,
  async fn() {
    await using file = await TextFile.write(yaml({ targets: ["127.0.0.1:9"], process: "engine: linux" }));
    const { code, stdout } = await lb(["run", "-c", file.path], { runs: "portable" });
    assert.equal(code, 1);
    assert.match(stdout, /engine linux cannot run: no FFI permission; write auto or portable/);
  },
});
