/** Row 19 of the acceptance table: the cable to a target is pulled in the middle of sessions. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { figure } from "../support/figure.ts";
import { type LogLine, RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";
import { FarHost, networkNeeds } from "../support/network.ts";
import { isCut } from "../support/peers.ts";
import { ProcessTarget } from "../support/process_target.ts";
import { times } from "../support/soak.ts";
import { yaml } from "../support/yaml.ts";

const limitsMs = times({ short: 2_000, long: 20_000 });
/** The stall limit is the shorter one: where bytes wait, both run. */
const [idleMs, stallMs] = [limitsMs, limitsMs / 2];
/** Of each kind. */
const sessions = times({ short: 2, long: 20 });

testWith(
  networkNeeds(),
  "when the cable is pulled a quiet session ends at its idle limit, and one that uploads at its stall limit",
  async () => {
    using far = new FarHost({ unreachable: 81, dropped: 82 });
    await using target = await ProcessTarget.start({ hostname: far.address, prefix: far.inside });
    await using lb = await RunningLb.start(yaml({
      targets: [target.address],
      listener: `timeouts: { idle: ${idleMs}ms, stall: ${stallMs}ms }`,
      top: "log: { access: all }",
    }));
    using opened = new DisposableStack();
    const clients: Client[] = [];
    for (let index = 0; index < 2 * sessions; index++) {
      clients.push(opened.use(await Client.open(lb.port())));
    }
    // The last word of each, so that their limits begin together, just before the pull.
    await Promise.all(clients.map((client) => client.say("hello")));

    far.pullCable();
    const pulledAtMs = Date.now();
    const uploads = clients.slice(sessions).map(uploadUntilCut);
    await Promise.all(clients.slice(0, sessions).map((client) => client.untilCut()));
    await Promise.all(uploads);
    const records = await lb.until(() => lb.records.length >= clients.length ? lb.records : undefined);

    const endings = Map.groupBy(records, ({ reason }) => reason);
    assert.deepEqual([...endings.keys()].toSorted(), ["idle", "stalled"]);
    const lastMs = (lines: readonly LogLine[] = []) =>
      Math.max(...lines.map(({ time }) => Date.parse(time))) - pulledAtMs;
    for (const [reason, limitMs] of [["idle", idleMs], ["stalled", stallMs]] as const) {
      const ended = endings.get(reason);
      assert.equal(ended?.length, sessions, reason);
      figure(`last end, ${reason}`, { row: 19, is: lastMs(ended), most: 1.1 * limitMs, unit: "ms" });
    }
  },
);

/** Keeps sending, far more than all buffers hold, until the balancer cuts the connection. */
async function uploadUntilCut({ conn }: Client): Promise<void> {
  const chunk = new Uint8Array(64 * 1024);
  try {
    for (;;) await conn.write(chunk);
  } catch (error) {
    if (!isCut(error)) throw error;
  }
}
