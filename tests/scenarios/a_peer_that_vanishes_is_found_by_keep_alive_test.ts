/** A machine that loses its power or its cable sends no FIN and no RST: without limits only keep-alive tells. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";
import { FarHost, networkNeeds } from "../support/network.ts";
import { echo, Target } from "../support/target.ts";

/** Says its port and then takes every connection, to keep it open. */
const targetProgram = `const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(listener.addr.port);
const open = [];
for (;;) open.push(await listener.accept());`;

/** A target beside lb, where no cable leads to it. Disposing ends it. */
class TargetBeside implements AsyncDisposable {
  readonly port: number;
  readonly #process: Deno.ChildProcess;

  private constructor(process: Deno.ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(prefix: readonly string[]): Promise<TargetBeside> {
    const [command, ...args] = [...prefix, Deno.execPath(), "eval", targetProgram];
    const process = new Deno.Command(command!, { args, stdin: "null", stdout: "piped" }).spawn();
    const reader = process.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    return new TargetBeside(process, Number(new TextDecoder().decode(value)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }
}

/** Two listeners; of each one's sessions one leg is on the cable, and the other within the machine. */
function configuration(far: FarHost, { folder, near, target }: Record<"folder" | "near" | "target", string>) {
  return `process: { workers: 1 }
log: { access: all }
defaults: { timeouts: { idle: none, keepAlive: 1s }, health: none }
listeners:
  far-client: { bind: "${far.address}:0", pool: near }
  far-target: { bind: "unix:${folder}/lb", pool: far }
pools:
  near: { targets: ["${near}"] }
  far: { targets: ["${target}"] }
`;
}

testWith(
  networkNeeds(),
  "a client or a target that vanishes ends its session as one that resets, though nothing else would",
  async () => {
    using far = new FarHost({ unreachable: 1, dropped: 2 });
    far.raiseLoopback();
    // The portable engine has the kernel's own times.
    for (const key of ["time", "intvl", "probes"]) far.setIpv4(`tcp_keepalive_${key}`, 1);
    const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "lb-" });
    await using _folder = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
    await using farTarget = new Target(echo, { hostname: far.near });
    await using nearTarget = await TargetBeside.start(far.inside);
    const near = `127.0.0.1:${nearTarget.port}`;
    await using lb = await RunningLb.start(
      configuration(far, { folder, near, target: farTarget.address }),
      { prefix: far.inside },
    );

    using _farClient = await Client.open(lb.port("far-client"), far.address);
    using nearClient = await Deno.connect({ transport: "unix", path: `${folder}/lb` });
    await nearClient.write(new TextEncoder().encode("hello"));
    assert.equal(await nearClient.read(new Uint8Array(5)), 5);
    far.unplug();

    const records = await lb.until(() => lb.records.length === 2 ? lb.records : undefined);
    const reasons = Object.fromEntries(records.map(({ listener, reason }) => [listener, reason]));
    assert.deepEqual(reasons, { "far-client": "client_reset", "far-target": "server_reset" });
  },
);
