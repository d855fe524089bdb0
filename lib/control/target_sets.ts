/** The targets of a model as others want them: by key, for the monitor, for a comparison. Pure. */
import type { Watched } from "../health/spec.ts";
import type { Model, TargetModel } from "./model.ts";

/** A target of the model in force, and the pool it is in. */
export interface ServedTarget {
  readonly target: TargetModel;
  readonly pool: string;
}

/** Every target by its key. */
export function servedTargets({ pools }: Model): ReadonlyMap<string, ServedTarget> {
  return new Map(
    pools.flatMap(({ config: { name }, targets }) =>
      targets.map((target): [string, ServedTarget] => [target.key, { target, pool: name }])
    ),
  );
}

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
