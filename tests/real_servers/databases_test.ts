import assert from "node:assert/strict";
import { outputOf } from "../support/command.ts";
import { Daemon } from "../support/daemon.ts";
import { RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";

testWith(
  { programs: ["redis-server", "redis-benchmark", "redis-cli"] },
  "Redis answers every command of its own benchmark through lb",
  async () => {
    await using redis = await Daemon.start(({ port, folder }) => [
      ...["redis-server", "--port", `${port}`, "--bind", "127.0.0.1"],
      ...["--dir", folder, "--save", "", "--appendonly", "no"],
    ]);
    await using lb = await RunningLb.start(JSON.stringify({
      log: { access: "all" },
      listeners: { web: { bind: "127.0.0.1:0", pool: "app" } },
      pools: { app: { targets: [redis.address] } },
    }));
    const commands = 20_000;
    const args = [
      "-h",
      "127.0.0.1",
      "-p",
      `${lb.port()}`,
      "-n",
      `${commands}`,
      "-c",
      "50",
      "-t",
      "set,get",
      "--csv",
    ];
    const table = await outputOf("redis-benchmark", args);
    assert.match(table, /"SET","\d/);
    assert.match(table, /"GET","\d/);
    // Errors would end the benchmark; what it wrote has to be there, counted by Redis itself.
    const stats = await outputOf("redis-cli", ["-p", `${redis.port}`, "info", "stats"]);
    assert.ok(Number(/total_commands_processed:(\d+)/.exec(stats)?.[1]) >= 2 * commands);
    const ends = new Set(lb.records.map(({ reason }) => reason));
    assert.ok([...ends].every((reason) => reason === "done" || reason === "client_reset"), [...ends].join());
  },
);
