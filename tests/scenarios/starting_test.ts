/** What `lb run` says when it cannot start. */
import assert from "node:assert/strict";
import { Client, exchange } from "../support/client.ts";
import { engine } from "../support/engine.ts";
import { lb, RunningLb } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";
import { TextFile } from "../support/text_file.ts";

Deno.test("a port that is taken ends the start with 1 and says which listener and which address", async () => {
  await using target = new Target(echo);
  await using config = await TextFile.write(yaml({ targets: [target.address], bind: target.address }));
  const { code, stdout } = await lb(["run", "-c", config.path]);
  assert.equal(code, 1);
  const line = JSON.parse(stdout.trim().split("\n").at(-1)!);
  assert.equal(line.level, "error");
  assert.ok(line.message.startsWith(`listener web cannot listen on ${target.address}: `), line.message);
  assert.match(line.message, /in use/);
});

Deno.test("one port of several that is taken leaves none bound", async () => {
  using free = new ReservedPort();
  await using target = new Target(echo);
  const config = yaml({ targets: [target.address], bind: free.address })
    .replace("  web:", `  more: { bind: "${target.address}", pool: app }\n  web:`);
  await using file = await TextFile.write(config);
  const { code, stdout } = await lb(["run", "-c", file.path]);
  assert.equal(code, 1);
  assert.match(stdout, new RegExp(`listener more cannot listen on ${target.address}`));
  assert.equal(target.accepted, 0);
});

Deno.test("a second lb on the same port does not share it silently", async () => {
  using port = new ReservedPort();
  await using target = new Target(echo);
  const config = yaml({ targets: [target.address], bind: port.address });
  await using _first = await RunningLb.start(config);
  await using file = await TextFile.write(config);

  const { code, stdout } = await lb(["run", "-c", file.path]);

  assert.equal(code, 1);
  assert.match(stdout, new RegExp(`listener web cannot listen on ${port.address}: .*in use`));
  using client = await Client.served(port.port, port.hostname);
  await client.say("the first one serves");
  assert.equal(await exchange(port.port, "hello", port.hostname), "hello");
});

Deno.test("lb run with a wrong configuration exits 3 with the lines of lb check, and starts nothing", async () => {
  await using file = await TextFile.write(
    yaml({ targets: ["127.0.0.1:1"], pool: "algorithm: leest, retry: 3" }),
  );
  const [checked, ran] = await Promise.all([lb(["check", "-c", file.path]), lb(["run", "-c", file.path])]);
  assert.equal(ran.code, 3);
  assert.equal(ran.stdout, "");
  assert.equal(ran.stderr, checked.stderr);
  assert.equal(ran.stderr.trim().split("\n").length, 2);
});

Deno.test("the start says what was decided: version, engine and why, workers, cap, binds, pools", async () => {
  using closed = new ReservedPort();
  await using target = new Target(echo);
  const config = yaml({ targets: [target.address, closed.address], pool: "health: { check: tcp }" });
  await using lb = await RunningLb.start(config);
  const [started, listener, pool] = lb.lines.slice(-3);
  assert.equal(started?.["engine"], engine);
  assert.equal(typeof started?.["engineReason"], "string");
  assert.equal(started?.["workers"], 2);
  assert.equal(started?.["maxConnections"], 2000);
  assert.deepEqual(listener?.["bind"], [`127.0.0.1:${lb.port()}`]);
  assert.notEqual(lb.port(), 0);
  assert.equal(pool?.message, "pool app: roundRobin, 1 of 2 targets up");
});
