/** What every engine must do, run over each: a new engine is one more harness in the list. */
import { accepting } from "./accepting.ts";
import { connecting } from "./connecting.ts";
import { endings } from "./endings.ts";
import { fullReceivers } from "./full_receivers.ts";
import type { ContractCase, Harness } from "./harness.ts";
import { memoryHarness } from "./memory_harness.ts";
import { movingBytes } from "./moving_bytes.ts";
import { linuxHarnesses } from "./linux_harness.ts";
import { portableHarnesses } from "./portable_harness.ts";
import { randomLives } from "./random_lives.ts";
import { timeLimits } from "./time_limits.ts";

const harnesses: readonly Harness[] = [memoryHarness, ...portableHarnesses, ...linuxHarnesses];

const cases: readonly ContractCase[] = [
  ...movingBytes,
  ...fullReceivers,
  ...endings,
  ...timeLimits,
  ...connecting,
  ...accepting,
  ...randomLives,
];

function register(harness: Harness, { name, needs, run }: ContractCase): void {
  const reason = needs === undefined ? undefined : harness.lacks[needs];
  Deno.test({
    name: `${harness.name}: ${name}${reason === undefined ? "" : ` (skipped: ${reason})`}`,
    ignore: reason !== undefined,
    async fn() {
      await using world = await harness.open();
      await run(world);
    },
  });
}

for (const harness of harnesses) {
  for (const one of cases) register(harness, one);
}
