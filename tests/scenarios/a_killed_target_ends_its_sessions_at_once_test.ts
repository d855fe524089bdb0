/** Row 17 of the acceptance table: a target is killed with many sessions open. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { engine } from "../support/engine.ts";
import { within } from "../support/eventually.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { parkWord } from "../support/echo_program.ts";
import { many } from "../support/peers.ts";
import { failuresOf, ProbeLoad } from "../support/probe.ts";
import { ProcessTarget } from "../support/process_target.ts";
import { times } from "../support/soak.ts";
import { echo, Target, writeAll } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const sessions = times({ short: 60, long: 500 });
const probes = times({ short: 50, long: 1_000 });

Deno.test({
  name:
    "the sessions of a target that is killed end at once, those with unread input by a reset, and new clients are served by another",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using killed = await ProcessTarget.start();
    await using other = new Target(echo);
    const targets = [killed.address, `{ address: "${other.address}", tier: 1 }`];
    await using lb = await RunningLb.start(yaml({ targets, top: "log: { access: all }" }));
    using opened = new DisposableStack();
    const clients: Client[] = [];
    await many({ count: sessions, width: 20 }, async (index) => {
      const client = clients[index] = opened.use(await Client.open(lb.port()));
      if (index % 2 === 0) return await client.say("hello");
      // The target reads no more: what it has not read when it dies makes its kernel reset the connection.
      await client.say(parkWord);
      await writeAll(client.conn, new Uint8Array(1_000));
    });
    await using load = new ProbeLoad({ port: lb.port() });
    await load.more(probes);

    const endings = clients.map((client) => endOf(client));
    const killedAtMs = performance.now();
    await killed.kill();
    const goneAtMs = performance.now();
    const ends = await within("the end of every session", Promise.all(endings));

    const slowest = Math.max(...ends.map(({ atMs }) => atMs)) - killedAtMs;
    figure("slowest end of a session", { row: 17, is: slowest, most: 1_000, unit: "ms" });
    // The portable engine cannot send an RST.
    if (engine === "linux") {
      const silent = ends.filter(({ how }, index) => index % 2 === 1 && how !== "reset");
      assert.deepEqual(silent, [], "those with unread input end by a reset");
    }
    await load.more(probes);
    const later = (await load.stop()).filter(({ startedAtMs }) => startedAtMs >= goneAtMs);
    assert.ok(later.length >= probes / 2, `${later.length} probes after the kill`);
    assert.deepEqual(failuresOf(later), {});
    figure("failed new clients", { row: 17, is: Object.keys(failuresOf(later)).length, most: 0, unit: "" });
  },
});

/** When a session ended, and how; whoever hears an end of input finishes too. */
async function endOf(client: Client): Promise<{ atMs: number; how: "eof" | "reset" }> {
  const buffer = new Uint8Array(4_096);
  try {
    while (await client.conn.read(buffer) !== null);
    return { atMs: performance.now(), how: "eof" };
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    return { atMs: performance.now(), how: "reset" };
  }
}
