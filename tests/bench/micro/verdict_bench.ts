/** What a verdict that turns costs a data-plane thread: its next pick reads the words of the whole pool again, and nothing else. */
import { sharedViews } from "../../../lib/shared/shared.ts";
import { allocateMemory } from "../../../lib/shared/layout.ts";
import { Pool } from "../../../lib/pool/pool.ts";
import { specOf, target, writeStates } from "../../pool/pool_fixture.ts";

const client = { remoteHost: "192.0.2.1" };

for (const count of [100, 8_000]) {
  const shared = sharedViews(allocateMemory(1));
  const targets = Array.from(
    { length: count },
    (_, slot) => target(`10.${slot >> 8}.${slot & 255}.1:80`, slot),
  );
  writeStates(shared, targets);
  const pool = new Pool(specOf("first", targets), { shared, random: Math.random });
  let isUp = true;
  Deno.bench({
    name: "nothing has changed",
    group: `a pick among ${count} targets`,
    baseline: true,
    fn: () => void pool.pick({ client, tried: [] }),
  });
  Deno.bench({
    name: "a verdict has turned",
    group: `a pick among ${count} targets`,
    fn() {
      isUp = !isUp;
      shared.targets.set(count - 1, { state: isUp ? 1 : 0, weight: 1 });
      shared.pools.advanceEpoch(0);
      pool.pick({ client, tried: [] });
    },
  });
}
