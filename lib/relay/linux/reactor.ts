/** One epoll: who waits for which descriptor, and what is due when. */
import { ep, epollEvent, errno, errnoName, type Libc } from "./libc.ts";
import { TimerHeap } from "./timers.ts";

const mostEvents = 512;

/** Told when its descriptor may be read or written; `events` as epoll has them. May be told without cause. */
export interface Watcher {
  ready(events: number): void;
}

/** See above. One for each thread; its owner calls `turn` again and again. */
export class Reactor implements Disposable {
  readonly libc: Libc;
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
  /** Something has happened that somebody awaits: promises are on the move. */
  stirred = true;
  readonly #epoll: number;
  readonly #events = new Uint8Array(epollEvent.bytes * mostEvents);
  readonly #view = new DataView(this.#events.buffer);
  readonly #one = new Uint8Array(epollEvent.bytes);
  readonly #oneView = new DataView(this.#one.buffer);
  readonly #watchers: (Watcher | undefined)[] = [];
  /** The turn in which a descriptor began to be watched. */
  readonly #since: number[] = [];
  readonly #timers = new TimerHeap();
  #turn = 0;
  #again: (() => void)[] = [];

  constructor(libc: Libc, now: () => number = () => performance.now()) {
    this.libc = libc;
    this.now = now;
    this.#epoll = libc.call.epoll_create1(ep.CLOEXEC);
    if (this.#epoll < 0) throw new Error(`epoll_create1: ${errnoName(libc.errno())}`);
  }

  /** Watches a descriptor, edge-triggered; closing it ends that, after `forget`. */
  watch(descriptor: number, watcher: Watcher, events = ep.IN | ep.OUT | ep.RDHUP | ep.ET): void {
    this.#watchers[descriptor] = watcher;
    this.#since[descriptor] = this.#turn;
    this.#oneView.setInt32(0, events, true);
    this.#oneView.setInt32(epollEvent.dataAt, descriptor, true);
    if (this.libc.call.epoll_ctl(this.#epoll, ep.CTL_ADD, descriptor, this.#one) !== 0) {
      const name = errnoName(this.libc.errno());
      this.#watchers[descriptor] = undefined;
      throw new Error(`epoll_ctl: ${name}`);
    }
  }

  /** Call it right before closing the descriptor. */
  forget(descriptor: number): void {
    this.#watchers[descriptor] = undefined;
  }

  /** Hands a descriptor that is watched already to somebody else. */
  rewatch(descriptor: number, watcher: Watcher): void {
    this.#watchers[descriptor] = watcher;
  }

  /** Calls back after so many milliseconds; returns what cancels it. */
  after(ms: number, callback: () => void): () => void {
    return this.#timers.add(this.now() + ms, callback);
  }

  /** Calls back in the next turn, after the events of others: for who has had its share of this one. */
  again(callback: () => void): void {
    this.#again.push(callback);
  }

  /** Waits at most `mostMs` for events, and dispatches what there is. */
  turn(mostMs: number): void {
    const dueMs = this.#timers.run(this.now());
    const waitMs = this.#again.length > 0 ? 0 : Math.ceil(Math.min(mostMs, dueMs));
    const count = this.libc.call.epoll_wait(this.#epoll, this.#events, mostEvents, waitMs);
    if (count < 0) {
      const number = this.libc.errno();
      if (number === errno.EINTR) return;
      throw new Error(`epoll_wait: ${errnoName(number)}`);
    }
    if (count > mostEvents) throw new Error(`epoll_wait gave ${count} of ${mostEvents} events`);
    this.#turn++;
    for (let index = 0, at = 0; index < count; index++, at += epollEvent.bytes) {
      const descriptor = this.#view.getInt32(at + epollEvent.dataAt, true);
      // Closed and taken anew since the wait: this is about the one before.
      if (this.#since[descriptor] === this.#turn) continue;
      this.#watchers[descriptor]?.ready(this.#view.getInt32(at, true));
    }
    const again = this.#again;
    this.#again = [];
    for (const callback of again) callback();
  }

  [Symbol.dispose](): void {
    this.libc.call.close(this.#epoll);
    this.libc.close();
  }
}
