/** What a balancer is made of, as far as it reaches outside of its thread; tests put others in their place. */
import { type Resolver, systemResolver } from "../discovery/resolver.ts";
import { systemClock } from "../health/clock.ts";
import type { Clock } from "../values/clock.ts";
import { Monitor, type MonitorOptions } from "../health/monitor.ts";
import { chooseEngine } from "../relay/choose.ts";
import { acquireBindMutex } from "./bind_mutex.ts";
import { whyTaken } from "./listeners.ts";
import { type ThreadGroup, Threads, type ThreadsOptions } from "./threads.ts";

export interface BalancerParts {
  readonly threads: (options: ThreadsOptions) => ThreadGroup;
  readonly monitor: (options: MonitorOptions) => Monitor;
  readonly resolver: Resolver;
  /** By which names are looked up again. */
  readonly clock: Clock;
  /** Numbers in [0, 1) that spread the lookups of names. */
  readonly random: () => number;
  readonly chooseEngine: typeof chooseEngine;
  /** Why an address cannot be bound; undefined = it can. */
  readonly whyTaken: typeof whyTaken;
  /** Keeps other processes from binding meanwhile. */
  readonly acquireBindMutex: () => Promise<Disposable>;
}

export function realParts(): BalancerParts {
  return {
    threads: (options) => new Threads(options),
    monitor: (options) => new Monitor(options),
    resolver: systemResolver(),
    clock: systemClock,
    random: Math.random,
    chooseEngine,
    whyTaken,
    acquireBindMutex: () => acquireBindMutex(),
  };
}
