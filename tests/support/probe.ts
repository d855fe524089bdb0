/** The probe of the acceptance table: new connections one after the other, 1 kB there and back. */
import { Client } from "./client.ts";
import { soak } from "./soak.ts";

const text = "0123456789".repeat(100);

/** In the long form so many each second; else as fast as they are served. */
const perSecond = 200;

/** Probes as long as `goesOn`, at least once; fails when one is not served. Gives the time that one in a hundred exceeded. */
export async function probe(port: number, goesOn: (done: number) => boolean): Promise<{ p99Ms: number }> {
  const took: number[] = [];
  do {
    const startedAt = performance.now();
    using client = await Client.open(port);
    await client.say(text);
    took.push(performance.now() - startedAt);
    const restMs = 1_000 / perSecond - (performance.now() - startedAt);
    if (soak && restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
  } while (goesOn(took.length));
  took.sort((one, other) => one - other);
  return { p99Ms: took[Math.floor(took.length * 0.99)]! };
}
