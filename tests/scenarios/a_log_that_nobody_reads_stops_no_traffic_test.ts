/** Row 51 of the acceptance table: the reader of the log goes away, or reads no more. */
import assert from "node:assert/strict";
import { BareLb } from "../support/bare_lb.ts";
import { Client, exchange } from "../support/client.ts";
import { figure } from "../support/figure.ts";
import { soak, times } from "../support/soak.ts";
import { echo, Target } from "../support/target.ts";
import { yaml } from "../support/yaml.ts";

/** Their records are several times what a pipe holds (64 KiB). */
const sessions = times({ short: 1_000, long: 30_000 });

Deno.test("with nobody at the other end of its log lb serves on, and drains on TERM", async () => {
  await using target = new Target(echo);
  await using lb = await BareLb.start(yaml({ targets: [target.address], top: "log: { access: all }" }));
  const port = await started(lb);
  await lb.closeLog();

  await serve(lb, port);

  lb.kill("SIGTERM");
  assert.equal(await lb.ended(), 0);
});

Deno.test("while its log is not read lb serves on, and has it all for a reader that comes back", async () => {
  await using target = new Target(echo);
  await using lb = await BareLb.start(yaml({ targets: [target.address], top: "log: { access: all }" }));
  const port = await started(lb);

  await serve(lb, port);

  lb.kill("SIGTERM");
  await lb.read(/"stopped"/);
  const lines = lb.log.trimEnd().split("\n").map((line) => JSON.parse(line));
  const records = lines.filter(({ reason }) => reason === "done").length;
  const lost = lines.map(({ message }) => Number(/^(\d+) log lines were lost$/.exec(message)?.[1] ?? 0));
  assert.equal(
    records + lost.reduce((sum, count) => sum + count, 0),
    times({ short: 1, long: 2 }) * sessions,
  );
  assert.equal(await lb.ended(), 0);
});

Deno.test("a log that is never read does not keep lb from ending", async () => {
  await using target = new Target(echo);
  await using lb = await BareLb.start(yaml({ targets: [target.address], top: "log: { access: all }" }));
  const port = await started(lb);
  await serve(lb, port);
  using _open = await Client.served(port);

  lb.kill("SIGINT");
  assert.equal(await lb.ended(), 0);
});

/** The port it listens on, once it accepts. */
async function started(lb: BareLb): Promise<number> {
  await lb.read(/targets up/);
  const port = Number(/"bind":\["127\.0\.0\.1:(\d+)"\]/.exec(lb.log)?.[1]);
  assert.ok(port > 0, lb.log);
  return port;
}

/** Every client is served; what is in memory once the log stands still is all that it takes. */
async function serve(lb: BareLb, port: number): Promise<void> {
  await serveAll(port);
  const resident = lb.residentBytes();
  if (soak) await serveAll(port);
  const growth = Math.max(0, lb.residentBytes() - resident);
  // What waits to be written has 4 MiB of memory, and what V8 has is not to the byte.
  figure("memory that as many clients again take", { row: 51, is: growth / 1e6, most: 8, unit: "MB" });
}

async function serveAll(port: number): Promise<void> {
  const lanes = 8;
  await Promise.all(Array.from({ length: lanes }, async (_, lane) => {
    for (let session = lane; session < sessions; session += lanes) {
      assert.equal(await exchange(port, `hello ${session}`), `hello ${session}`);
    }
  }));
}
