/** `lb check --live`: tries every bind and every target once. */
import type { Config } from "../config/config.ts";
import { whyTaken } from "../control/listeners.ts";
import { type Lookup, type Resolver, systemResolver } from "../discovery/resolver.ts";
import { Prober } from "../health/prober.ts";
import { formatAddress, type SocketAddress, type TcpAddress } from "../values/address.ts";
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

/** Looks each host up once. */
type LookUp = (host: string) => Promise<Lookup>;

/** Everything that was tried, in the order of the configuration: binds, then targets. */
export async function tryConfig(
  config: Config,
  resolver: Resolver = systemResolver(),
): Promise<Trial[]> {
  // Out of descriptors, Deno panics unless a listener for some signal is there.
  const ignore = () => {};
  Deno.addSignalListener("SIGUSR2", ignore);
  try {
    return await tryAll(config, once(resolver));
  } finally {
    Deno.removeSignalListener("SIGUSR2", ignore);
  }
}

async function tryAll({ listeners, pools }: Config, lookUp: LookUp): Promise<Trial[]> {
  const binds: Trial[] = [];
  // One after the other: each is closed before the next is opened.
  for (const { name, bind } of listeners) {
    for (const address of bind) binds.push(...await tryBind(name, { address, lookUp }));
  }
  const targets = pools.flatMap(({ name, targets, health }) =>
    health.check === "none" ? [] : targets.map(({ address }) => ({ pool: name, health, address }))
  );
  using prober = new Prober();
  return [...binds, ...await inOrder(targets, (target) => tryTarget(target, { lookUp, prober }))];
}

function once(resolver: Resolver): LookUp {
  const { signal } = new AbortController();
  const lookups = new Map<string, Promise<Lookup>>();
  return (host) => {
    const lookup = lookups.get(host) ?? resolver.lookup(host, signal);
    lookups.set(host, lookup);
    return lookup;
  };
}

async function tryBind(
  listener: string,
  { address, lookUp }: { readonly address: SocketAddress; readonly lookUp: LookUp },
): Promise<Trial[]> {
  const whatOf = (address: SocketAddress) => `listener ${listener} on ${formatAddress(address)}`;
  if (address.kind === "unix") return [await tryOne(whatOf(address), address)];
  const lookup = await lookUp(address.host);
  if (lookup.kind === "failed") return [{ what: whatOf(address), ok: false, detail: lookup.cause }];
  const trials: Trial[] = [];
  for (const host of lookup.addresses) {
    const literal = { ...address, host };
    const name = host === address.host ? "" : ` (${formatAddress(literal)})`;
    trials.push(await tryOne(`${whatOf(address)}${name}`, literal));
  }
  return trials;
}

async function tryOne(what: string, address: SocketAddress): Promise<Trial> {
  const failure = await whyTaken(address);
  if (failure === undefined) return { what, ok: true, detail: "can be bound" };
  const { code, message: cause } = failure;
  return { what, ok: false, detail: bindFailureWords({ address, code, cause }) };
}

interface ProbedTarget {
  readonly pool: string;
  readonly health: ProbedHealth;
  readonly address: TcpAddress;
}

async function tryTarget(
  { pool, health, address }: ProbedTarget,
  { lookUp, prober }: { readonly lookUp: LookUp; readonly prober: Prober },
): Promise<Trial> {
  const what = `target ${pool}/${formatAddress(address)}`;
  const lookup = await lookUp(address.host);
  if (lookup.kind === "failed") return { what, ok: false, detail: lookup.cause };
  const target = { ...address, addresses: lookup.addresses };
  const { signal } = new AbortController();
  for (let tries = 1;; tries++) {
    const { outcome, detail } = await prober.probe(health, target, { signal });
    if (outcome !== "inconclusive") return { what, ok: outcome === "passed", detail };
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
