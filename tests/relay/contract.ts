/** What every engine must do: a new engine is one more harness that the suite is run over. */
import assert from "node:assert/strict";
import { accepting } from "./accepting.ts";
import { beforeTheRelay } from "./before_the_relay.ts";
import { connecting } from "./connecting.ts";
import { endings } from "./endings.ts";
import { faults } from "./faults.ts";
import { fullReceivers } from "./full_receivers.ts";
import type { ContractCase, Harness } from "./harness.ts";
import { movingBytes } from "./moving_bytes.ts";
import { observing } from "./observing.ts";
import { randomLives } from "./random_lives.ts";
import { timeLimits } from "./time_limits.ts";

/** What depends on the kind of address. */
const addressCases: readonly ContractCase[] = [
  ...movingBytes,
  ...observing,
  ...connecting,
  ...accepting,
  ...beforeTheRelay,
];

const cases: readonly ContractCase[] = [
  ...addressCases,
  ...fullReceivers,
  ...endings,
  ...timeLimits,
  ...faults,
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
      assert.deepEqual(world.faults, []);
    },
  });
}

/** Registers the contract for each harness: all of it, or what depends on the kind of address alone. */
export function testEngines(harnesses: readonly Harness[]): void {
  for (const harness of harnesses) {
    for (const one of harness.addressesOnly ? addressCases : cases) register(harness, one);
  }
}
