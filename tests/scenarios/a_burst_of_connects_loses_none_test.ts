/** Row 30 of the acceptance table. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { outputOf } from "../support/command.ts";
import { engine } from "../support/engine.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";
import { FarHost, networkNeeds } from "../support/network.ts";
import { times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const clients = times({ short: 500, long: 2_000 });

Deno.test("every client of a burst is served", async () => {
  await using target = new Target(echo);
  await using lb = await RunningLb.start(yaml({ targets: [target.address] }));
  await burst(lb, "127.0.0.1");
});

const { programs = [], obstacle } = networkNeeds();
testWith(
  { programs, obstacle: obstacle ?? shortQueue() },
  "a burst overflows no listen queue of the kernel",
  async () => {
    // In a network namespace of its own nobody else's connections are counted.
    using far = new FarHost({ unreachable: 1, dropped: 2 });
    await using target = new Target(echo, { hostname: far.near });
    await using lb = await RunningLb.start(
      yaml({ targets: [target.address], bind: `${far.address}:0` }),
      { prefix: far.inside },
    );
    const before = await overflows(far);
    await burst(lb, far.address);
    assert.deepEqual(await overflows(far), before);
  },
);

/** The listen queue of 128 that Deno's own sockets had before they took `tcpBacklog`; who finds it full tries again. */
function shortQueue(): string | undefined {
  const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
  const isOld = major < 2 || (major === 2 && minor < 5);
  return isOld && engine === "portable" ? "Deno before 2.5 lets at most 128 wait on each socket" : undefined;
}

async function burst(lb: RunningLb, hostname: string): Promise<void> {
  using opened = new DisposableStack();
  const took = await Promise.all(Array.from({ length: clients }, async () => {
    const startedAt = performance.now();
    const client = opened.use(await Client.open(lb.port(), hostname));
    const connected = performance.now() - startedAt;
    await client.say("hello");
    return connected;
  }));
  // A dropped SYN is sent again after a second.
  figure("slowest connect of a burst", { row: 30, is: Math.max(...took), most: 900, unit: "ms" });
}

/** What the kernel counted of connections that found a listen queue full. */
async function overflows(far: FarHost): Promise<unknown> {
  const [command, ...args] = [...far.inside, "cat", "/proc/net/netstat"];
  const [names = [], values = []] = (await outputOf(command!, args)).split("\n")
    .filter((line) => line.startsWith("TcpExt:")).map((line) => line.split(" "));
  return ["ListenOverflows", "ListenDrops"].map((name) => {
    assert.ok(names.includes(name), name);
    return [name, values[names.indexOf(name)]];
  });
}
