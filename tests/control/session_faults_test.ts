import assert from "node:assert/strict";
import { loadConfig } from "../../lib/config/load.ts";
import { Reporter } from "../../lib/cli/reporter.ts";
import { Balancer } from "../../lib/control/balancer.ts";
import type { BalancerEvent } from "../../lib/control/events.ts";
import type { Log } from "../../lib/observe/log.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const threadModule = new URL("./faulty_thread.ts", import.meta.url);
const engines = Deno.build.os === "linux" ? ["portable", "linux"] as const : ["portable"] as const;

function configured(text: string) {
  const loaded = loadConfig(text, { file: "lb.yaml", env: () => undefined });
  assert.ok("config" in loaded);
  return loaded.config;
}

/** The lines that the log has of an event. */
function linesOf(event: BalancerEvent): string[] {
  const lines: string[] = [];
  const log = { error: (line: string) => lines.push(line) } as unknown as Log;
  using reporter = new Reporter({ log, limited: () => false });
  reporter.report(event);
  return lines;
}

for (const engine of engines) {
  Deno.test(`a fault in one session is logged with its stack, recorded as internal, and noticed by no other session, engine ${engine}`, async () => {
    await using target = new Target(echo);
    const config = configured(yaml({
      targets: [target.address],
      process: `engine: ${engine}, workers: 1`,
      top: "log: { access: all }",
    }));
    const events: BalancerEvent[] = [];
    const balancer = new Balancer({ config, threadModule, onEvent: (event) => events.push(event) });
    const reasons = () =>
      events.flatMap((event) => event.kind === "closed" ? event.records.map(({ reason }) => reason) : []);
    const faults = () => events.filter((event) => event.kind === "fault");
    await balancer.start();
    const [bind = ""] = balancer.state().listeners["web"]!.bind;
    const port = Number(bind.split(":").at(-1));
    try {
      using other = await Client.served(port);

      using faulty = await Client.open(port);
      // Its end is what the fault may be in.
      await faulty.conn.write(new TextEncoder().encode("FAULT"));
      faulty.conn.closeWrite().catch(() => {});
      await eventually("its record", () => reasons().length > 0);
      assert.deepEqual(reasons(), ["internal"]);
      await eventually("its report", () => faults().length > 0);
      assert.match(
        linesOf(faults()[0]!).join("\n"),
        /^internal error: Error: a fault of the program\n +at meet /,
      );
      await other.say("still there");

      using careless = await Client.open(port);
      await careless.conn.write(new TextEncoder().encode("PROMISE"));
      await careless.conn.closeWrite();
      await eventually("the promise is reported", () => faults().length > 1);
      assert.match(
        linesOf(faults()[1]!).join("\n"),
        /^internal error: Error: a promise that nobody waits for\n +at /,
      );
      await other.say("and still");

      assert.deepEqual(events.filter((event) => event.kind === "death"), []);
      await eventually("one session is open", () => balancer.openSessions === 1);
    } finally {
      await balancer.drain();
    }
    assert.equal(balancer.openSessions, 0);
    assert.equal(faults().length, 2);
  });
}
