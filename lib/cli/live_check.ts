/** `lb check --live`: tries every bind and every target once. */
import type { Config } from "../config/config.ts";
import { checkFree } from "../control/binds.ts";
import { probe } from "../health/probe.ts";
import { formatAddress } from "../values/address.ts";
import { bindFailureWords } from "./bind_failure.ts";

/** So many targets are probed at a time: thousands at once use up the descriptors, and then nothing can be said of any. */
const maxProbes = 64;

/** A probe that failed through no fault of the target is made so often in all. */
const maxTries = 3;

/** The pause before such a probe is made again. */
const retryMs = 250;

/** One thing that was tried. */
export interface Trial {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

type Pool = Config["pools"][number];
type ProbedHealth = Exclude<Pool["health"], { readonly check: "none" }>;
type Address = Pool["targets"][number]["address"];

/** Everything that was tried, in the order of the configuration: binds, then targets. */
export async function tryConfig(config: Config): Promise<Trial[]> {
  // Out of descriptors, Deno panics unless a listener for some signal is there.
  const ignore = () => {};
  Deno.addSignalListener("SIGUSR2", ignore);
  try {
    return await tryAll(config);
  } finally {
    Deno.removeSignalListener("SIGUSR2", ignore);
  }
}

async function tryAll({ listeners, pools }: Config): Promise<Trial[]> {
  const binds: Trial[] = [];
  // One after the other: each is closed before the next is opened.
  for (const { name, bind } of listeners) {
    for (const address of bind) binds.push(await tryBind(name, address));
  }
  const targets = pools.flatMap(({ name, targets, health }) =>
    health.check === "none" ? [] : targets.map(({ address }) => ({ pool: name, health, address }))
  );
  return [...binds, ...await inOrder(targets, tryTarget)];
}

async function tryBind(listener: string, address: Parameters<typeof checkFree>[0]): Promise<Trial> {
  const what = `listener ${listener} on ${formatAddress(address)}`;
  try {
    await checkFree(address);
    return { what, ok: true, detail: "can be bound" };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && "code" in error && typeof error.code === "string"
      ? error.code
      : undefined;
    return { what, ok: false, detail: bindFailureWords({ address, code, cause }) };
  }
}

interface ProbedTarget {
  readonly pool: string;
  readonly health: ProbedHealth;
  readonly address: Address;
}

async function tryTarget({ pool, health, address }: ProbedTarget): Promise<Trial> {
  const what = `target ${pool}/${formatAddress(address)}`;
  const { signal } = new AbortController();
  for (let tries = 1;; tries++) {
    const { ok, detail } = await probe(health, address, { signal });
    if (ok === true || ok === false) return { what, ok, detail };
    // This process is at fault, not the target.
    if (tries === maxTries) return { what, ok: false, detail: `cannot be tried from here: ${detail}` };
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

/** What `work` makes of each item, at most `maxProbes` of them under way. */
async function inOrder<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxProbes, items.length) }, lane));
  return results;
}
