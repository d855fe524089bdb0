/** The reasons of sessions that time, or a client that leaves early, ends. */
import assert from "node:assert/strict";
import { assertRefused, Client, received } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { FullTarget } from "../support/full_target.ts";
import { RunningLb } from "../support/lb.ts";
import { RawConn } from "../support/raw_sockets.ts";
import { echo, named, silence, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const onLinux = { ignore: Deno.build.os !== "linux" };

for (
  const [limit, reason, serve, act] of [
    ["idle", "idle", echo, async () => {}],
    ["halfClosed", "half_closed", silenceForGood, (client: Client) => client.finish()],
    ["lifetime", "lifetime", echo, talkOn],
  ] as const
) {
  Deno.test(`timeouts.${limit} ends a session with ${reason}`, async () => {
    await using target = new Target(serve);
    await using lb = await RunningLb.start(
      yaml({ targets: [target.address], listener: `timeouts: { ${limit}: 300ms }` }),
    );
    using client = await Client.open(lb.port());
    await Promise.all([act(client), client.untilCut()]);
    const record = await lb.line((line) => "attempts" in line);
    assert.equal(record["reason"], reason);
    assert.equal(record["target"], target.address);
    await eventually(
      "the target's side is closed too",
      () => target.accepted === 1 && lb.records.length === 1,
    );
  });
}

Deno.test({
  ...onLinux,
  name:
    "a client that resets while its target has not answered yet ends the session with client_gone_connect",
  async fn() {
    using target = await FullTarget.start();
    await using lb = await RunningLb.start(
      yaml({ targets: [target.address], listener: "timeouts: { connect: 1h }" }),
    );
    using client = RawConn.connect(lb.port());
    await eventually("the attempt hangs", () => target.hanging === 1);
    client[Symbol.dispose]();

    const record = await lb.line((line) => "attempts" in line);
    assert.equal(record["reason"], "client_gone_connect");
    await eventually("the attempt is given up", () => target.hanging === 0);
  },
});

Deno.test({
  ...onLinux,
  name: "a target that does not answer costs timeouts.connect, and then the next one serves",
  async fn() {
    using full = await FullTarget.start();
    await using good = new Target(named("good"));
    const targets = [`{ address: "${full.address}", tier: 0 }`, `{ address: "${good.address}", tier: 1 }`];
    await using lb = await RunningLb.start(
      yaml({ targets, listener: "timeouts: { connect: 100ms }", top: "log: { access: all }" }),
    );

    assert.equal(await received(lb.port()), "good");

    const record = await lb.line((line) => "attempts" in line);
    assert.equal(record["reason"], "done");
    const attempts = record["attempts"] as { target: string; error: string | null }[];
    assert.deepEqual(attempts.map(({ target, error }) => [target, error]), [
      [full.address, "connect_timeout"],
      [good.address, null],
    ]);
  },
});

Deno.test({
  ...onLinux,
  name: "a lone target that does not answer ends the session with connect_timeout",
  async fn() {
    using full = await FullTarget.start();
    await using lb = await RunningLb.start(
      yaml({ targets: [full.address], listener: "timeouts: { connect: 100ms }" }),
    );
    await assertRefused(lb.port());
    const record = await lb.line((line) => "attempts" in line);
    assert.equal(record["reason"], "connect_timeout");
  },
});

/** Takes everything and does not finish when the client does. */
async function silenceForGood(conn: Deno.TcpConn, stopping: Promise<void>): Promise<void> {
  await silence(conn);
  await stopping;
}

/** Writes a little again and again, so that only a limit that nothing renews can end the session. */
async function talkOn(client: Client): Promise<void> {
  try {
    for (;;) {
      await client.conn.write(new Uint8Array(10));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } catch {
    // The session has ended.
  }
}
