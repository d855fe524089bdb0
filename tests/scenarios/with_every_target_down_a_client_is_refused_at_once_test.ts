/** Row 16 of the acceptance table. */
import assert from "node:assert/strict";
import { assertRefused } from "../support/client.ts";
import { figure } from "../support/figure.ts";
import { type LogLine, RunningLb } from "../support/lb.ts";
import { many } from "../support/peers.ts";
import { ReservedPort } from "../support/reserved_port.ts";
import { soak, times } from "../support/soak.ts";
import { answering, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

const clients = times({ short: 100, long: 5_000 });
const perSecond = 500;
const all = "log: { access: all }";

Deno.test("where health checks have every target down, clients are refused with no_target, and nobody is dialled", async () => {
  await using one = new Target(answering(() => ({ status: 503, body: "down" })));
  await using two = new Target(answering(() => ({ status: 503, body: "down" })));
  const targets = [one, two];
  await using lb = await RunningLb.start(
    // One probe of each, and no other for as long as the test lasts.
    yaml({
      targets: targets.map(({ address }) => address),
      pool: "health: { check: http, interval: 1h, fastInterval: 1h, downInterval: 1h }",
      top: all,
    }),
  );
  const dialled = targets.map(({ accepted }) => accepted);

  const cpu = lb.cpuSeconds();
  const seconds = await refuse(lb);
  const share = (lb.cpuSeconds() - cpu) / seconds;
  figure("CPU at 500 refused clients a second", { row: 16, is: 100 * share, most: 20, unit: "%" });

  const records = await recordsOf(lb);
  assert.deepEqual(new Set(records.map(({ reason }) => reason)), new Set(["no_target"]));
  assert.deepEqual(targets.map(({ accepted }) => accepted), dialled);
});

Deno.test("where no target answers, each client costs retry.attempts dials and no more", async () => {
  using ports = new DisposableStack();
  const targets = Array.from({ length: 5 }, () => ports.use(new ReservedPort()).address);
  await using lb = await RunningLb.start(
    yaml({ targets, pool: "health: none, retry: { attempts: 3 }", top: all }),
  );

  await refuse(lb);

  for (const { reason, attempts } of await recordsOf(lb)) {
    assert.equal(reason, "connect_refused");
    assert.equal((attempts as unknown[]).length, 3);
  }
});

/** Sends the clients, each of which has to be refused; 500 a second in the long form. Gives how many seconds it took. */
async function refuse(lb: RunningLb): Promise<number> {
  const startedAt = performance.now();
  await many({ count: clients, width: 8 }, async (index) => {
    const aheadMs = startedAt + index * 1_000 / perSecond - performance.now();
    if (soak && aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
    await assertRefused(lb.port());
  });
  return (performance.now() - startedAt) / 1_000;
}

function recordsOf(lb: RunningLb): Promise<readonly LogLine[]> {
  return lb.until(() => lb.records.length === clients ? lb.records : undefined);
}
