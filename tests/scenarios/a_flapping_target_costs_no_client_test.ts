/** Row 23 of the acceptance table: a target comes and goes. */
import assert from "node:assert/strict";
import { exchange } from "../support/client.ts";
import { figure } from "../support/figure.ts";
import { RunningLb } from "../support/lb.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { soak, times } from "../support/soak.ts";
import { answering, echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const phases = times({ short: 24, long: 500 });
const intervalMs = soak ? 200 : 15;
const [rise, fall] = [2, 3];
/** How many probes each phase lasts, in turn: shorter and longer than it takes to turn a verdict. */
const lengths = [1, 2, 4, 1, 3, 2, 5];

Deno.test("a target that flaps costs no client, and its verdict turns only as often as rise and fall allow", async () => {
  using dataPort = new ReservedPort();
  await using steady = new Target(echo);
  await using steadyHealth = new Target(answering(() => ({ status: 200, body: "up" })));
  const answers: boolean[] = [];
  let well = true;
  const { hostname } = dataPort;
  const healthPort = Number(steadyHealth.address.split(":")[1]);
  await using _flappingHealth = new Target(
    answering(() => {
      answers.push(well);
      return well ? { status: 200, body: "up" } : { status: 503, body: "down" };
    }),
    { hostname, port: healthPort },
  );
  const pace = ["interval", "fastInterval", "downInterval"].map((key) => `${key}: ${intervalMs}ms`).join(
    ", ",
  );
  await using lb = await RunningLb.start(yaml({
    targets: [dataPort.address, steady.address],
    pool: `health: { check: http, port: ${healthPort}, ${pace}, timeout: 10s, rise: ${rise}, fall: ${fall} }`,
  }));

  const startedAt = performance.now();
  for (let phase = 0; phase < phases; phase++) {
    well = phase % 2 === 0;
    const until = answers.length + lengths[phase % lengths.length]!;
    // Well it listens, unwell it refuses; nobody is connected while it changes.
    await using _data = well ? new Target(echo, { hostname, port: dataPort.port }) : undefined;
    await exchangeUntil(lb.port(), () => answers.length >= until);
  }
  const left = answers.length;
  well = true;
  await exchangeUntil(lb.port(), () => answers.length > left + rise);

  const expected = turns(answers);
  const changes = () =>
    lb.lines.filter(({ target, state }) => target === dataPort.address && state !== undefined).map((
      { state },
    ) => state);
  await lb.until(() => changes().length >= expected.length ? true : undefined);
  assert.deepEqual(changes(), expected);
  const mostChanges = (performance.now() - startedAt) / (fall * intervalMs);
  figure("changes of the verdict", { row: 23, is: expected.length, most: mostChanges, unit: "" });
  assert.ok(expected.length < phases, "some phases are too short to turn the verdict");
  assert.ok(expected.length > 1, "some phases are long enough to turn the verdict");
});

/** One client after the other, each served; fails when so many probes have not come within a minute. */
async function exchangeUntil(port: number, probed: () => boolean): Promise<void> {
  const startedAt = performance.now();
  while (!probed()) {
    assert.ok(performance.now() - startedAt < 60_000, "probes have stopped coming");
    assert.equal(await exchange(port, "hello"), "hello");
  }
}

/** The verdicts that a row of answers makes, by the rule of the contract. */
function turns(answers: readonly boolean[]): string[] {
  const found: string[] = [];
  let against = 0;
  for (const answer of answers) {
    const says = answer ? "up" : "down";
    const state = found.at(-1);
    against = says === state ? 0 : against + 1;
    if (against === 0 || (state !== undefined && against < (answer ? rise : fall))) continue;
    found.push(says);
    against = 0;
  }
  return found;
}
