/** epoll, edge-triggered, after Linux 6.1 (fs/eventpoll.c): an edge queues a descriptor, a wait reports its state of then. */
import { epollConstants } from "../../../lib/relay/linux/libc.ts";
import type { Dice } from "./dice.ts";

/** What is watched. */
export interface Watch {
  readonly poll: () => number;
  readonly data: number;
  readonly interest: number;
  queued: boolean;
  gone: boolean;
}

/** The ready list of one epoll descriptor. */
export class Epoll {
  #ready: Watch[] = [];
  readonly #all = new Set<Watch>();

  add(poll: () => number, options: { data: number; interest: number }): Watch {
    const watch = { poll, ...options, queued: false, gone: false };
    this.#all.add(watch);
    if ((poll() & this.#wanted(watch)) !== 0) this.edge(watch);
    return watch;
  }

  /** Edges of one descriptor coalesce until it is reported. */
  edge(watch: Watch): void {
    if (watch.queued || watch.gone) return;
    watch.queued = true;
    this.#ready.push(watch);
  }

  remove(watch: Watch): void {
    watch.gone = true;
    this.#all.delete(watch);
  }

  /** Reports at most so many; returns how many it has reported. */
  wait(max: number, report: (events: number, data: number) => void): number {
    const ready = this.#ready;
    if (ready.length === 0) return 0;
    this.#ready = [];
    let reported = 0;
    for (const watch of ready) {
      if (watch.gone) continue;
      if (reported >= max) {
        this.#ready.push(watch);
        continue;
      }
      watch.queued = false;
      const events = watch.poll() & this.#wanted(watch);
      if (events === 0) continue;
      reported++;
      report(events, watch.data);
    }
    return reported;
  }

  /** Changes the order of what waits, and wakes somebody for nothing: neither may matter. */
  disturb(dice: Dice): void {
    if (dice.chance(300)) this.#ready.reverse();
    if (!dice.chance(50) || this.#all.size === 0) return;
    const watch = dice.of([...this.#all]);
    this.edge(watch);
  }

  #wanted(watch: Watch): number {
    return watch.interest | epollConstants.ERR | epollConstants.HUP;
  }
}
