/** One epoll: who waits for which descriptor, what is due when, and who has something to do. */
import { ep, epollEvent, errno, errnoName, type Libc, SystemError } from "./libc.ts";
import { type Timer, TimerHeap } from "./timers.ts";

const mostEvents = 512;

/** Told when its descriptor may be read or written; `events` as epoll has them. May be told without cause. */
export interface Watcher {
  /** Only takes note: acting, and closing above all, comes when every event of the turn is known. */
  ready(events: number): void;
}

/** Something to do once the events of a turn are known. Only the reactor writes `queued`. */
export interface Task {
  queued: boolean;
  run(): void;
}

/** See above. One for each thread; its owner calls `turn` again and again. */
export class Reactor implements Disposable {
  readonly libc: Libc;
  /** Something has happened that somebody awaits: promises are on the move. */
  stirred = true;
  /** The time, on the clock of `performance.now()`, when the events of this turn were taken; asking costs as much as a call. */
  nowMs: number;
  readonly #clock: () => number;
  readonly #epoll: number;
  readonly #events = new Uint8Array(epollEvent.bytes * mostEvents);
  readonly #view = new DataView(this.#events.buffer);
  readonly #one = new Uint8Array(epollEvent.bytes);
  readonly #oneView = new DataView(this.#one.buffer);
  readonly #watchers: (Watcher | undefined)[] = [];
  readonly #timers = new TimerHeap();
  // Kept at their length: an array that is emptied by its length gives its memory back, and takes it again.
  #tasks: (Task | undefined)[] = [];
  #spareTasks: (Task | undefined)[] = [];
  #taskCount = 0;

  constructor(libc: Libc, clock: () => number = () => performance.now()) {
    this.libc = libc;
    this.#clock = clock;
    this.nowMs = clock();
    this.#epoll = libc.call.epoll_create1(ep.CLOEXEC);
    if (this.#epoll < 0) throw new Error(`epoll_create1: ${errnoName(libc.errno())}`);
  }

  /** Watches a descriptor, edge-triggered; closing it ends that, after `forget`. Throws SystemError. */
  watch(descriptor: number, watcher: Watcher, events: number): void {
    this.#watchers[descriptor] = watcher;
    this.#oneView.setInt32(0, events, true);
    this.#oneView.setInt32(epollEvent.dataAt, descriptor, true);
    if (this.libc.call.epoll_ctl(this.#epoll, ep.CTL_ADD, descriptor, this.#one) !== 0) {
      const number = this.libc.errno();
      this.#watchers[descriptor] = undefined;
      throw new SystemError("epoll_ctl", number);
    }
  }

  /** Call it right before closing the descriptor. */
  forget(descriptor: number): void {
    this.#watchers[descriptor] = undefined;
  }

  /** Calls back after so many milliseconds; returns what cancels it. */
  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { dueAt: this.#clock() + ms, place: -1, due: callback };
    this.#timers.add(timer);
    return () => this.#timers.cancel(timer);
  }

  /** Has a timer called `ms` after the time of this turn. It must not be waiting already. */
  schedule(timer: Timer, ms: number): void {
    timer.dueAt = this.nowMs + ms;
    this.#timers.add(timer);
  }

  cancel(timer: Timer): void {
    this.#timers.cancel(timer);
  }

  /** Runs a task once, behind the events of this turn, or in the next one when they are through. */
  soon(task: Task): void {
    if (task.queued) return;
    task.queued = true;
    this.#tasks[this.#taskCount++] = task;
  }

  /** Brings `nowMs` up to date, for who goes on outside of a turn. */
  takeTime(): void {
    this.nowMs = this.#clock();
  }

  /** Waits at most `mostMs` for events, takes note of all there are, runs every task that is queued by then, and what is due. */
  turn(mostMs: number): void {
    // By the time of the turn before: a timer comes late by what that turn has taken since, at most.
    const dueMs = Math.max(0, this.#timers.nextDueAt - this.nowMs);
    const waitMs = this.#taskCount > 0 ? 0 : Math.ceil(Math.min(mostMs, dueMs));
    const count = this.libc.call.epoll_wait(this.#epoll, this.#events, mostEvents, waitMs);
    if (count < 0) {
      const number = this.libc.errno();
      if (number !== errno.EINTR) throw new Error(`epoll_wait: ${errnoName(number)}`);
    }
    if (count > mostEvents) throw new Error(`epoll_wait gave ${count} of ${mostEvents} events`);
    this.takeTime();
    for (let index = 0, at = 0; index < count; index++, at += epollEvent.bytes) {
      const descriptor = this.#view.getInt32(at + epollEvent.dataAt, true);
      this.#watchers[descriptor]?.ready(this.#view.getInt32(at, true));
    }
    this.#runTasks();
    // Last: what is known of a connection by now, a reset above all, outweighs that a time is up.
    this.#timers.run(this.nowMs);
  }

  [Symbol.dispose](): void {
    this.libc.call.close(this.#epoll);
    this.libc.close();
  }

  /** Runs what is queued; what is queued meanwhile comes after all of it. */
  #runTasks(): void {
    const tasks = this.#tasks;
    const count = this.#taskCount;
    this.#tasks = this.#spareTasks;
    this.#spareTasks = tasks;
    this.#taskCount = 0;
    for (let index = 0; index < count; index++) {
      const task = tasks[index]!;
      tasks[index] = undefined;
      task.queued = false;
      task.run();
    }
  }
}
