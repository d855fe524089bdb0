/** Rows 45 and 46 of the acceptance table: signals in a row, and a kill -9. */
import assert from "node:assert/strict";
import { Client, exchange } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { atShare } from "../support/probe.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const signals = times({ short: 200, long: 1_000 });
const restarts = times({ short: 2, long: 50 });

// Under `deno run` the runtime itself takes SIGUSR1 and opens its inspector on port 9229, so USR2 stands in for it there.
const userSignal = Deno.env.has("LB_BINARY") ? "SIGUSR1" : "SIGUSR2";

for (const signal of ["SIGHUP", "SIGPIPE", userSignal] as const) {
  Deno.test(`${signal} again and again ends neither lb nor a session`, async () => {
    await using target = new Target(echo);
    await using lb = await RunningLb.start(yaml({ targets: [target.address] }));
    using open = await Client.served(lb.port());

    for (let sent = 0; sent < signals; sent++) {
      lb.kill(signal);
      if (sent % 20 === 0) assert.equal(await exchange(lb.port(), "hello"), "hello");
    }

    await open.say("still here");
    // A signal that ends a process ends it before this one does.
    lb.kill("SIGTERM");
    await open.finish();
    assert.equal(await lb.ended(), 0, `${lb.stderr}\n${lb.lines.map(({ message }) => message).join("\n")}`);
  });
}

Deno.test("after a kill -9 lb listens on the same port again", async () => {
  using port = new ReservedPort();
  await using target = new Target(echo);
  const config = yaml({ targets: [target.address], bind: port.address });
  const took: number[] = [];
  for (let restart = 0; restart <= restarts; restart++) {
    const startedAt = performance.now();
    await using lb = await RunningLb.start(config);
    took.push(performance.now() - startedAt);
    using _open = await Client.served(port.port, port.hostname);
    assert.equal(await exchange(port.port, "hello", port.hostname), "hello");
    lb.kill("SIGKILL");
    assert.notEqual(await lb.ended(), 0);
  }
  figure("listening again after, median", { row: 46, is: atShare(took, 0.5), most: 1_000, unit: "ms" });
  figure("listening again after, slowest", { row: 46, is: Math.max(...took), most: 1_000, unit: "ms" });
});

Deno.test("after a kill -9 the socket file that is left is not in the way", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lb-scenario-" });
  try {
    const path = `${folder}/web.sock`;
    await using target = new Target(echo);
    const config = yaml({ targets: [target.address], bind: `unix:${path}` });
    for (let restart = 0; restart <= restarts; restart++) {
      await using lb = await RunningLb.start(config);
      using conn = await Deno.connect({ transport: "unix", path });
      await conn.write(new TextEncoder().encode("hello"));
      await eventually("the target has the connection", () => target.accepted === restart + 1);
      lb.kill("SIGKILL");
      await lb.ended();
      assert.ok((await Deno.lstat(path)).isSocket, "the file is left behind");
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
