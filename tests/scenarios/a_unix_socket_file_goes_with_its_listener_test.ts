/** Listeners on unix sockets: the file comes with the listener and goes with it. */
import assert from "node:assert/strict";
import { Client } from "../support/client.ts";
import { engine } from "../support/engine.ts";
import { eventually, within } from "../support/eventually.ts";
import { RunningLb } from "../support/lb.ts";
import { testWith } from "../support/needs.ts";
import { echo, named, Target, writeAll } from "../support/target.ts";
import { TextFile } from "../support/text_file.ts";
import { assertReloaded, fronts } from "./fronts.ts";

Deno.test("a unix socket comes with a reload, passes to another listener, and goes with a reload, file and all", async () => {
  await using folder = await TextFile.write("");
  const path = `${folder.folder}/lb.sock`;
  await using one = new Target(named("one"));
  await using two = new Target(named("two"));
  const pools = { one: [one], two: [two] };
  const web = ["127.0.0.1:0", "one"] as const;
  const config = (listeners: { [name: string]: readonly [string, string] }) =>
    fronts({ listeners: { web, ...listeners }, pools });
  await using lb = await RunningLb.start(config({}));

  assertReloaded(
    await lb.reload(config({ a: [`unix:${path}`, "one"] })),
    "listener a is new",
    `unix:${path} is bound`,
  );
  assert.equal(await receivedFrom(path), "one");
  const { ino } = await Deno.stat(path);

  assertReloaded(
    await lb.reload(config({ b: [`unix:${path}`, "two"] })),
    "listener b is new, listener a is gone",
  );
  await eventually("the other pool serves", async () => await receivedFrom(path) === "two");
  assert.equal((await Deno.stat(path)).ino, ino, "it is the same socket");

  for (let round = 0; round < 3; round++) {
    assertReloaded(await lb.reload(config({})), "listener b is gone", `unix:${path} is closed`);
    assert.ok(!await isThere(path), "the file is gone when the reload is done");
    assertReloaded(await lb.reload(config({ b: [`unix:${path}`, "two"] })), "listener b is new");
    assert.equal(await receivedFrom(path), "two");
  }
});

Deno.test("an open session through a unix socket outlives the listener", async () => {
  await using folder = await TextFile.write("");
  const path = `${folder.folder}/lb.sock`;
  await using target = new Target(echo);
  const web = ["127.0.0.1:0", "app"] as const;
  const pools = { app: [target] };
  await using lb = await RunningLb.start(fronts({ listeners: { web, a: [`unix:${path}`, "app"] }, pools }));
  using conn = await Deno.connect({ transport: "unix", path });
  assert.equal(await echoed(conn, "before"), "before");

  assertReloaded(await lb.reload(fronts({ listeners: { web }, pools })), "listener a is gone");

  assert.equal(await echoed(conn, "after"), "after");
  await assert.rejects(Deno.connect({ transport: "unix", path }), Deno.errors.NotFound);
});

for (
  const [signals, how] of [[["SIGTERM"], "TERM"], [["SIGINT"], "INT"], [
    ["SIGTERM", "SIGTERM"],
    "TERM twice",
  ]] as const
) {
  Deno.test(`${how} removes the files of unix sockets`, async () => {
    await using folder = await TextFile.write("");
    const paths = ["a", "b"].map((name) => `${folder.folder}/${name}.sock`);
    await using target = new Target(echo);
    const binds = paths.map((path) => `unix:${path}`);
    await using lb = await RunningLb.start(
      fronts({ listeners: { web: ["127.0.0.1:0", "app"], unix: [binds, "app"] }, pools: { app: [target] } }),
    );
    using client = await Client.served(lb.port());
    for (const path of paths) assert.ok(await isThere(path));

    lb.kill(signals[0]);
    if (signals.length > 1) {
      await lb.line(({ message }) => message?.startsWith("draining") ?? false);
      await client.say("open while it drains");
      lb.kill(signals[1]!);
    } else if (how === "TERM") {
      await eventually("the files are gone while it drains", async () => !await isThere(paths[0]!));
      await client.say("open while it drains");
      await client.finish();
      await client.rest();
    }

    assert.equal(await lb.ended(), 0);
    assert.deepEqual(await Promise.all(paths.map(isThere)), [false, false]);
  });
}

/** When a listener of Deno's is closed, Deno removes what is at its path by then. */
const obstacle = engine === "portable" ? "Deno removes the file by its path, whosever it is" : undefined;

testWith(
  { obstacle },
  "a socket file that another program has put there meanwhile stays when lb goes",
  async () => {
    await using folder = await TextFile.write("");
    const path = `${folder.folder}/lb.sock`;
    await using target = new Target(named("app"));
    await using lb = await RunningLb.start(
      fronts({ listeners: { web: [`unix:${path}`, "app"] }, pools: { app: [target] } }),
    );
    await Deno.remove(path);
    using other = Deno.listen({ transport: "unix", path });

    lb.kill("SIGTERM");
    assert.equal(await lb.ended(), 0);

    assert.ok(await isThere(path));
    using conn = await Deno.connect({ transport: "unix", path });
    using _accepted = await within("the other program's client", other.accept());
    conn.close();
  },
);

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isSocket === true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function receivedFrom(path: string): Promise<string> {
  using conn = await Deno.connect({ transport: "unix", path });
  const buffer = new Uint8Array(16);
  const size = await within("an answer", conn.read(buffer));
  return new TextDecoder().decode(buffer.subarray(0, size ?? 0));
}

async function echoed(conn: Deno.Conn, text: string): Promise<string> {
  await writeAll(conn, new TextEncoder().encode(text));
  const buffer = new Uint8Array(64);
  const size = await within("the echo", conn.read(buffer));
  return new TextDecoder().decode(buffer.subarray(0, size ?? 0));
}
