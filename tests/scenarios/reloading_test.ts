/** HUP and `--watch`: a new configuration while clients are connected. */
import assert from "node:assert/strict";
import { Client, exchange, received } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type LogLine, RunningLb } from "../support/lb.ts";
import { echo, named, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const isReloaded = (generation: number) => (line: LogLine) =>
  line["generation"] === generation && "message" in line;

Deno.test("HUP adds and removes targets and leaves open sessions alone", async () => {
  await using old = new Target(echo);
  await using one = new Target(named("one"));
  await using two = new Target(named("two"));
  await using lb = await RunningLb.start(yaml({ targets: [old.address] }));
  using open = await Client.served(lb.port());

  await lb.writeConfig(yaml({ targets: [one.address, two.address] }));
  lb.kill("SIGHUP");
  await lb.line(isReloaded(2));

  // The data plane hears of it a moment after the log does.
  await eventually(
    "the old target gets no more sessions",
    async () => await exchange(lb.port(), "-") !== "-",
  );
  const answers = await Promise.all(Array.from({ length: 8 }, () => received(lb.port())));
  assert.deepEqual(new Set(answers), new Set(["one", "two"]));
  await open.say("still here");

  await lb.writeConfig(yaml({ targets: [two.address] }));
  lb.kill("SIGHUP");
  await lb.line(isReloaded(3));
  await eventually("only target two is left", async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => received(lb.port())));
    return answers.every((answer) => answer === "two");
  });
  await open.say("still here");
  assert.deepEqual(lb.records, []);
});

Deno.test("a broken file keeps the configuration in force, and each mistake is a log line of its own", async () => {
  await using target = new Target(named("one"));
  const good = yaml({ targets: [target.address] });
  await using lb = await RunningLb.start(good);

  await lb.writeConfig(good.replace("health: none", "algorithm: leest, retry: { attempts: many }"));
  lb.kill("SIGHUP");
  await lb.line(({ message }) => message === "reload refused: generation 1 stays in force");

  const mistakes = lb.lines.filter(({ level }) => level === "error").map(({ message }) => String(message));
  assert.equal(mistakes.length, 3);
  assert.match(mistakes[0]!, /lb\.yaml:6:\d+ pools\.app\.algorithm: "leest"/);
  assert.match(mistakes[1]!, /lb\.yaml:6:\d+ pools\.app\.retry\.attempts: "many"/);
  assert.equal(await received(lb.port()), "one");

  await lb.writeConfig("listeners: [");
  lb.kill("SIGHUP");
  await eventually("refused again", () => count(lb, "reload refused: generation 1 stays in force") === 2);
  assert.equal(await received(lb.port()), "one");

  await lb.writeConfig(good);
  lb.kill("SIGHUP");
  await lb.line(isReloaded(2));
  assert.equal(await received(lb.port()), "one");
});

Deno.test("keys that take effect at the next start are named at a reload", async () => {
  await using target = new Target(named("one"));
  const config = (process: string, level: string) =>
    yaml({ targets: [target.address], process, top: `log: { level: ${level} }` });
  await using lb = await RunningLb.start(config("workers: 1", "info"));

  await lb.writeConfig(config("workers: 2", "debug"));
  lb.kill("SIGHUP");
  await lb.line(isReloaded(2));

  const warnings = lb.lines.filter(({ level }) => level === "warn").map(({ message }) => message);
  assert.deepEqual(
    warnings,
    ["process.workers", "log.level"].map((key) => `${key} changed: takes effect at the next restart`),
  );
});

Deno.test("--watch reloads when another file is renamed over the configuration, again and again", async () => {
  await using one = new Target(named("one"));
  await using two = new Target(named("two"));
  await using lb = await RunningLb.start(yaml({ targets: [one.address] }), { args: ["--watch"] });
  const path = String(lb.lines.find(({ config }) => config !== undefined)?.["config"]);

  for (const [generation, target, name] of [[2, two, "two"], [3, one, "one"]] as const) {
    await Deno.writeTextFile(`${path}.new`, yaml({ targets: [target.address] }));
    await Deno.rename(`${path}.new`, path);
    await lb.line(isReloaded(generation));
    await eventually(`target ${name} serves`, async () => await received(lb.port()) === name);
  }
});

Deno.test("--watch notices a new file when the whole folder is replaced", async () => {
  await using one = new Target(named("one"));
  await using two = new Target(named("two"));
  await using lb = await RunningLb.start(yaml({ targets: [one.address] }), { args: ["--watch"] });
  const path = String(lb.lines.find(({ config }) => config !== undefined)?.["config"]);
  const folder = path.slice(0, path.lastIndexOf("/"));
  await Deno.rename(folder, `${folder}.old`);
  await Deno.mkdir(folder);
  await Deno.writeTextFile(path, yaml({ targets: [two.address] }));
  await lb.line(isReloaded(2));
  await eventually("target two serves", async () => await received(lb.port()) === "two");
  await Deno.remove(`${folder}.old`, { recursive: true });
});

Deno.test("a reload to access all leaves a record for every session from then on", async () => {
  await using target = new Target(named("one"));
  await using lb = await RunningLb.start(yaml({ targets: [target.address], top: "log: { access: none }" }));
  await lb.writeConfig(yaml({ targets: [target.address], top: "log: { access: all }" }));
  lb.kill("SIGHUP");
  await lb.line(isReloaded(2));
  await eventually("a session of the new configuration", async () => {
    await received(lb.port());
    return lb.records.length > 0;
  });
  const before = lb.records.length;
  for (let session = 0; session < 40; session++) await received(lb.port());
  await lb.until(() => lb.records.length >= before + 40 || undefined);
});

Deno.test("the drain deadline of the configuration in force counts, not that of the start", async () => {
  await using target = new Target(echo);
  const drain = (deadline: string) =>
    yaml({ targets: [target.address], process: `drain: { deadline: ${deadline} }` });
  await using lb = await RunningLb.start(drain("1h"));
  await lb.writeConfig(drain("50ms"));
  lb.kill("SIGHUP");
  await lb.line(isReloaded(2));
  using _client = await Client.served(lb.port());
  lb.kill("SIGTERM");
  await lb.line(({ message }) => message?.endsWith("cut from 50ms on, over 5s") ?? false);
  await lb.line(({ reason }) => reason === "drain_deadline");
});

function count(lb: RunningLb, message: string): number {
  return lb.lines.filter((line) => line.message === message).length;
}
