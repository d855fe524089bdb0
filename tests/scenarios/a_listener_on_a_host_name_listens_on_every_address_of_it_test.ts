/** `bind: "localhost:8080"`, and other names. */
import assert from "node:assert/strict";
import { exchange } from "../support/client.ts";
import { runToEnd } from "../support/command.ts";
import { lbCommand, RunningLb } from "../support/lb.ts";
import { loopbackAddress, NameWorld, noNameWorlds } from "../support/name_world.ts";
import { testWith } from "../support/needs.ts";
import { quietPort, ReservedPort } from "../support/reserved_port.ts";
import { named, Target } from "../support/target.ts";
import { TextFile } from "../support/text_file.ts";
import { assertReloaded, assertReloadRefused, becomesClosed, fronts, isClosed } from "./fronts.ts";

/** The exit code of `lb check --live`, and all it printed. */
async function checkLive(
  config: string,
  prefix: readonly string[],
): Promise<{ code: number; printed: string }> {
  await using file = await TextFile.write(config);
  const [command, words] = lbCommand(["check", "--live", "-c", file.path]);
  const { code, stdout, stderr } = await runToEnd([...prefix, command, ...words]);
  return { code, printed: stdout + stderr };
}

testWith(
  { obstacle: noNameWorlds },
  "a listener on localhost serves at 127.0.0.1 and at ::1, and a check of it agrees",
  async () => {
    const port = quietPort();
    await using target = new Target(named("app"));
    using world = new NameWorld({ hosts: "127.0.0.1 localhost\n::1 localhost\n", resolvConf: "" });
    const config = fronts({ listeners: { web: [`localhost:${port}`, "app"] }, pools: { app: [target] } });
    const { code, printed } = await checkLive(config, world.inside);
    assert.equal(code, 0, printed);

    await using lb = await RunningLb.start(config, { prefix: world.inside });

    const listener = lb.lines.find((line) => line["listener"] === "web");
    assert.deepEqual(listener?.["bind"], [`127.0.0.1:${port}`, `[::1]:${port}`]);
    for (const hostname of ["127.0.0.1", "::1"]) {
      assert.equal(await exchange(port, "-", hostname), "app", hostname);
    }
    const taken = await checkLive(config, world.inside);
    assert.equal(taken.code, 1, taken.printed);
    assert.match(taken.printed, /listener web on localhost:\d+ \(127\.0\.0\.1:\d+\): address in use/);
  },
);

testWith(
  { obstacle: noNameWorlds },
  "a listener follows its host name at a reload, keeps the addresses that stay, and is refused whole when one is taken",
  async () => {
    using port = new ReservedPort();
    const [first, second, third] = [loopbackAddress(), loopbackAddress(), loopbackAddress()];
    await using target = new Target(named("app"));
    using world = new NameWorld({ hosts: `${first} web.test\n${second} web.test\n`, resolvConf: "" });
    const config = fronts({ listeners: { web: [`web.test:${port.port}`, "app"] }, pools: { app: [target] } });
    await using lb = await RunningLb.start(config, { prefix: world.inside });
    for (const hostname of [first, second]) assert.equal(await exchange(port.port, "-", hostname), "app");

    await using holder = new Target(named("holder"), { hostname: third, port: port.port });
    world.writeHosts(`${second} web.test\n${third} web.test\n`);
    const refused = await lb.reload();
    assertReloadRefused(refused, `listener web cannot listen on ${third}:${port.port}: address in use`);
    assert.equal((await checkLive(config, world.inside)).code, 1);
    for (const hostname of [first, second]) assert.equal(await exchange(port.port, "-", hostname), "app");

    await holder[Symbol.asyncDispose]();
    assertReloaded(await lb.reload(), `${third}:${port.port} is bound`, `${first}:${port.port} is closed`);
    for (const hostname of [second, third]) assert.equal(await exchange(port.port, "-", hostname), "app");
    await becomesClosed(port.port, first);
  },
);

testWith(
  { obstacle: noNameWorlds },
  "a listener whose host name stands for nothing keeps lb from starting, a reload from coming into force, and a check from passing",
  async () => {
    using port = new ReservedPort();
    await using target = new Target(named("app"));
    using world = new NameWorld({
      hosts: "127.0.0.1 localhost\n",
      resolvConf: "nameserver 127.77.0.2\noptions timeout:1 attempts:1\n",
    });
    const pools = { app: [target] };
    const bad = fronts({
      listeners: { web: ["127.0.0.1:0", "app"], bad: [`no-such.test:${port.port}`, "app"] },
      pools,
    });
    const words = /no-such\.test:\d+: no name server answers \(127\.77\.0\.2\)/;

    const checked = await checkLive(bad, world.inside);
    assert.equal(checked.code, 1);
    assert.match(checked.printed, words);

    await using file = await TextFile.write(bad);
    const [command, args] = lbCommand(["run", "-c", file.path]);
    const ran = await runToEnd([...world.inside, command, ...args]);
    assert.equal(ran.code, 1);
    assert.match(ran.stdout, words);

    await using lb = await RunningLb.start(fronts({ listeners: { web: ["127.0.0.1:0", "app"] }, pools }), {
      prefix: world.inside,
    });
    const line = await lb.reload(bad);
    assertReloadRefused(line, "generation 1 stays in force");
    assert.match(String(line.message), words);
    assert.ok(await isClosed(port.port, port.hostname));
  },
);
