/** The targets of a model as others want them: for the monitor, for a comparison. Pure. */
import type { Watched } from "../health/spec.ts";
import type { Model } from "./model.ts";

/** What the monitor is to watch for a model. */
export function probedOf({ pools }: Model): Watched[] {
  return pools.flatMap(({ config: { health }, targets }) =>
    targets.map(({ key, config: { address: { host, port } }, addresses, problem = "no address" }) => ({
      key,
      target: { host, port, addresses: addresses.map(({ host }) => host), unresolved: problem },
      health,
    }))
  );
}

/** What all targets stand for, to be compared. */
export function addressesText({ pools }: Model): string {
  return JSON.stringify(pools.map(({ targets }) => targets.map(({ addresses }) => addresses)));
}
