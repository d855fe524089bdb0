/** What the log says about health, and that nothing a peer sends can break a line of it. */
import assert from "node:assert/strict";
import { assertRefused } from "../support/client.ts";
import { BareLb } from "../support/bare_lb.ts";
import { RunningLb } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { answering, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const pace = "interval: 20ms, fastInterval: 20ms, downInterval: 20ms, timeout: 10s";
const health = `health: { check: http, path: /health, expect: { body: up }, ${pace} }`;

/** Everything that ends a line, steers a terminal or turns its text around. */
const hostile = "do\r\nwn\n\x1b[31mred\x07\x00\x9b2J\u2028\u202egnp\x7f {message} %s";

Deno.test("a target that goes down and comes back is logged each time with the cause", async () => {
  let answer = { status: 200, body: " up\n" };
  await using target = new Target(answering(() => answer));
  await using lb = await RunningLb.start(yaml({ targets: [target.address], pool: health }));
  const told = () => lb.lines.filter(({ state }) => state !== undefined);

  const causes = [
    [{ status: 503, body: "up" }, "down", "status 503, wanted 200-299"],
    [{ status: 200, body: "up" }, "up", "status 200"],
    [{ status: 200, body: "down" }, "down", 'body "down", wanted "up"'],
    [{ status: 200, body: "up\n" }, "up", "status 200"],
  ] as const;
  let expected = 1;
  for (const [next, state, cause] of causes) {
    answer = next;
    expected++;
    const line = await lb.until(() => told()[expected - 1]);
    const was = state === "up" ? "down" : "up";
    assert.equal(line.message, `target app/${target.address} is ${state}, was ${was}: ${cause}`);
    assert.equal(line.level, state === "up" ? "info" : "warn");
    assert.equal(line["from"], was);
    assert.equal(line["detail"], cause);
  }
});

Deno.test("a target that refuses is logged as down with connection refused, and clients get no_target", async () => {
  using closed = new ReservedPort();
  await using lb = await RunningLb.start(yaml({ targets: [closed.address], pool: health }));
  const { message } = await lb.line(({ state }) => state === "down");
  assert.equal(message, `target app/${closed.address} is down, was checking: connection refused`);

  await assertRefused(lb.port());

  const record = await lb.line((line) => "attempts" in line);
  assert.equal(record["reason"], "no_target");
  assert.equal(record["target"], null);
  assert.deepEqual(record["attempts"], []);
});

Deno.test("a health body with line ends and escape sequences stays inside its line", async () => {
  await using target = new Target(answering(() => ({ status: 200, body: hostile })));
  const wanted = String
    .raw`body "do\r\nwn\n\u001b[31mred\u0007\u0000\u009b2J\u2028\u202egnp\u007f {message} %s", wanted "up"`;

  await using json = await RunningLb.start(yaml({ targets: [target.address], pool: health }));
  const line = await json.line(({ state }) => state === "down");
  assert.equal(line.message, `target app/${target.address} is down, was checking: ${wanted}`);

  await using text = await BareLb.start(
    yaml({ targets: [target.address], pool: health, top: "log: { format: text }" }),
  );
  await text.read(/targets up\n/);
  const lines = text.log.trimEnd().split("\n");
  for (const line of lines) {
    assert.match(line, /^\d\d:\d\d:\d\d\.\d{3} (debug|info |warn |error) [\x20-\x7e]+$/);
  }
  assert.ok(lines.some((line) => line.endsWith(`is down, was checking: ${wanted}`)), text.log);
});
