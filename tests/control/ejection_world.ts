/** A balancer world whose targets fail as a test says. */
import type { BalancerEvent, EjectionEvent } from "../../lib/control/events.ts";
import type { TargetView } from "../../lib/control/state.ts";
import { stateBits } from "../../lib/pool/target_state.ts";
import { BalancerWorld } from "./balancer_world.ts";

/** What a target's word is made of. */
export const words = {
  up: stateBits.up,
  ejected: stateBits.up | stateBits.ejected,
  trial: stateBits.up | stateBits.ejected | stateBits.trial,
} as const;

/** A file with one pool of so many targets, "10.0.1.1:1" and so on; ejections last 30 seconds at first. */
export function fileOf({ targets = 4, ejection = "", pool = "", health = "none", weights = [] }: {
  readonly targets?: number;
  /** More keys of the ejection; "none" = without one. */
  readonly ejection?: string;
  /** More keys of the pool. */
  readonly pool?: string;
  readonly health?: string;
  readonly weights?: readonly number[];
} = {}): string {
  const list = Array.from(
    { length: targets },
    (_, index) => `{ address: "10.0.1.1:${index + 1}", weight: ${weights[index] ?? 1} }`,
  );
  const keys = ["baseTime: 30s", "maxTime: 100s", ...(ejection === "" ? [] : [ejection])].join(", ");
  return `process: { workers: 2, maxConnections: 20 }
listeners: { web: { bind: "10.0.0.1:80", pool: app } }
pools:
  app:
    targets: [${list.join(", ")}]
    ejection: ${ejection === "none" ? "none" : `{ ${keys} }`}
    health: ${health}
    ${pool}
`;
}

/** Probes every second; one alone decides. */
export const probed = "{ check: tcp, interval: 1s, fastInterval: 500ms, rise: 1, fall: 1, jitter: none }";

export async function started(...file: Parameters<typeof fileOf>): Promise<BalancerWorld> {
  const world = new BalancerWorld(fileOf(...file));
  await world.start();
  return world;
}

/** The name of a target by its number, from 1. */
export function named(target: number): string {
  return `10.0.1.1:${target}`;
}

/** A thread reports that connections to these targets fail. */
export function fail(world: BalancerWorld, ...targets: readonly number[]): void {
  world.threads.options.onTargetReport({
    type: "failing",
    targets: targets.map((target) => ({
      pool: "app",
      target: named(target),
      failures: 5,
      cause: "connection refused",
    })),
  });
}

/** A thread reports how a trial has ended. */
export function endTrial(
  world: BalancerWorld,
  target: number,
  { passed }: { readonly passed: boolean },
): void {
  const cause = passed ? "it has answered" : "connection reset";
  const slot = world.pool().targets.find(({ name }) => name === named(target))?.slot;
  const trial = slot === undefined ? 0 : world.shared.targets.trial(slot).number;
  world.threads.options.onTargetReport({
    type: "trial",
    trial,
    pool: "app",
    target: named(target),
    passed,
    cause,
  });
}

/** The words of all targets, in their order. */
export function wordsOf(world: BalancerWorld): number[] {
  return world.pool().targets.map(({ slot }) => world.shared.targets.state(slot));
}

export function viewOf(world: BalancerWorld, target: number): TargetView {
  return world.balancer.state().pools["app"]!.targets[target - 1]!;
}

const kinds: readonly BalancerEvent["kind"][] = [
  "ejected",
  "ejectionObserved",
  "ejectionWithheld",
  "trial",
  "returned",
];

/** What ejection has done so far: "ejected 1", "trial 1". */
export function told(world: BalancerWorld): string[] {
  return ejectionEvents(world).map(({ kind, target }) => `${kind} ${target.split(":").at(-1)}`);
}

export function ejectionEvents(world: BalancerWorld): EjectionEvent[] {
  return world.events.filter(({ kind }) => kinds.includes(kind)) as EjectionEvent[];
}
