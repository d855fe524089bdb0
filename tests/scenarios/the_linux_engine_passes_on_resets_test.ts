import assert from "node:assert/strict";
import { Client, exchange } from "../support/client.ts";
import { lb, RunningLb } from "../support/lb.ts";
import { ResettingTarget } from "../support/raw_sockets.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

/** The binary is built without FFI. */
const ignore = Deno.build.os !== "linux" || Deno.env.has("LB_BINARY");
const permissions = ["--allow-ffi"];
const process = "engine: linux, workers: 2";

Deno.test({
  name: "engine linux serves, drains, and leaves a record for every session",
  ignore,
  async fn() {
    await using target = new Target(echo);
    const config = yaml({ targets: [target.address], process, top: "log: { access: all }" });
    await using lb = await RunningLb.start(config, { permissions });
    assert.equal(lb.lines.find(({ engine }) => engine !== undefined)?.["engineReason"], "configured");
    for (let session = 0; session < 20; session++) assert.equal(await exchange(lb.port(), "hello"), "hello");
    using open = await Client.served(lb.port());
    lb.kill("SIGTERM");
    await lb.line(({ message }) => message?.startsWith("draining: no new sessions, 1 open") ?? false);
    await open.say("still here");
    await open.finish();
    assert.equal(await lb.ended(), 0);
    assert.deepEqual(new Set(lb.records.map(({ reason }) => reason)), new Set(["done"]));
    assert.equal(lb.records.length, 21);
  },
});

Deno.test({
  name:
    "on engine linux a target that resets in mid-answer is a reset for the client, behind all that had arrived",
  ignore,
  async fn() {
    await using target = new ResettingTarget(async (conn) => {
      await conn.receive(5);
      await conn.send(new Uint8Array(1_000).fill(120));
    });
    await using lb = await RunningLb.start(yaml({ targets: [target.address], process }), { permissions });
    using client = await Deno.connect({ hostname: "127.0.0.1", port: lb.port() });
    await client.write(new TextEncoder().encode("hello"));
    await assert.rejects(async () => {
      while (await client.read(new Uint8Array(100)) !== null);
    }, Deno.errors.ConnectionReset);
    await lb.line(({ reason }) => reason === "server_reset");
  },
});

Deno.test({
  name: "engine linux without the FFI permission does not start and says what is missing",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "lb-scenario-" });
    await Deno.writeTextFile(
      `${folder}/lb.yaml`,
      yaml({ targets: ["127.0.0.1:9"], process: "engine: linux" }),
    );
    const { code, stdout } = await lb(["run", "-c", `${folder}/lb.yaml`]);
    await Deno.remove(folder, { recursive: true });
    assert.equal(code, 1);
    assert.match(stdout, /engine linux cannot run: no FFI permission; write auto or portable/);
  },
});
