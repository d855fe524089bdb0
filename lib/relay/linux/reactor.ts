/** One epoll: who waits for which descriptor, which timers are due, and which tasks are queued. */
import { epollConstants, epollEvent, errno, type Libc, SystemError } from "./libc.ts";
import { type Failing, type Timer, TimerHeap } from "./timers.ts";

const maxEvents = 512;

/** Is called when its descriptor may be read or written; `events` as epoll has them. It may be called without cause. */
export interface Watcher {
  /** Only notes the events: acting, and closing above all, waits until every event of the poll is known. */
  ready(events: number): void;
}

/** Something to run once the events of a poll are known. Only the reactor writes `queued`. */
export interface Task extends Failing {
  queued: boolean;
  run(): void;
}

/** How a reactor is made. */
export interface ReactorOptions {
  /** Of `performance.now()`. */
  readonly clock?: () => number;
  /** Takes what a callback, a task or a timer has thrown and nobody else takes; the others go on. Without it, it is thrown on. */
  readonly onFault?: (error: unknown) => void;
}

function throwOn(error: unknown): void {
  throw error;
}

/**
 * The event loop of one thread; its owner calls `poll` again and again. What one session throws ends that session (`Failing`);
 * `poll` throws only where the thread itself cannot go on.
 */
export class Reactor implements Disposable {
  readonly libc: Libc;
  readonly onFault: (error: unknown) => void;
  /** Something has happened that somebody awaits: microtasks have to run before the thread may sleep. */
  microtasksPending = true;
  /** The time of this poll's events, on the clock of `performance.now()`: asking it costs as much as a system call. */
  nowMs: number;
  readonly #clock: () => number;
  readonly #epoll: number;
  readonly #events = new Uint8Array(epollEvent.bytes * maxEvents);
  readonly #eventsView = new DataView(this.#events.buffer);
  readonly #control = new Uint8Array(epollEvent.bytes);
  readonly #controlView = new DataView(this.#control.buffer);
  readonly #watchers: (Watcher | undefined)[] = [];
  readonly #timers = new TimerHeap();
  // Kept at their length: an array that is emptied by its length gives its memory back, and takes it again.
  #tasks: (Task | undefined)[] = [];
  #spareTasks: (Task | undefined)[] = [];
  #taskCount = 0;
  #settled: (() => void)[] = [];

  /** Owns `libc` from here on. Throws SystemError. */
  constructor(libc: Libc, { clock = () => performance.now(), onFault = throwOn }: ReactorOptions = {}) {
    this.libc = libc;
    this.onFault = onFault;
    this.#clock = clock;
    this.nowMs = clock();
    this.#epoll = libc.call.epoll_create1(epollConstants.CLOEXEC);
    if (this.#epoll < 0) throw new SystemError("epoll_create1", libc.errno());
  }

  /** Watches a descriptor, edge-triggered; closing it ends that, after `unwatch`. Throws SystemError. */
  watch(descriptor: number, watcher: Watcher, events: number): void {
    this.#watchers[descriptor] = watcher;
    this.#controlView.setInt32(0, events, true);
    this.#controlView.setInt32(epollEvent.dataAt, descriptor, true);
    if (this.libc.call.epoll_ctl(this.#epoll, epollConstants.CTL_ADD, descriptor, this.#control) !== 0) {
      const number = this.libc.errno();
      this.#watchers[descriptor] = undefined;
      throw new SystemError("epoll_ctl", number);
    }
  }

  /** Call it right before closing the descriptor. */
  unwatch(descriptor: number): void {
    this.#watchers[descriptor] = undefined;
  }

  /** Calls back after so many milliseconds; returns what cancels it. What it throws goes to `owner`, if there is one. */
  after(ms: number, callback: () => void, owner?: Failing): () => void {
    const timer: Timer = { dueAt: this.#clock() + ms, heapIndex: -1, fire: callback };
    if (owner !== undefined) timer.fail = (error) => this.#fail(owner, error);
    this.#timers.add(timer);
    return () => this.#timers.cancel(timer);
  }

  /** Has a timer fire `ms` after the time of this poll. It must not be scheduled already. */
  schedule(timer: Timer, ms: number): void {
    timer.dueAt = this.nowMs + ms;
    this.#timers.add(timer);
  }

  cancel(timer: Timer): void {
    this.#timers.cancel(timer);
  }

  /** Runs a task once, behind the events of this poll, or in the next poll when they are through. */
  enqueue(task: Task): void {
    if (task.queued) return;
    task.queued = true;
    this.#tasks[this.#taskCount++] = task;
  }

  /** Runs a task at once, on behalf of another: what it throws is no fault of the caller's. */
  runNow(task: Task): void {
    try {
      task.run();
    } catch (error) {
      this.#fail(task, error);
    }
  }

  /** Calls back at the beginning of the next poll: behind the promises that this one has set off. */
  whenSettled(callback: () => void): void {
    this.#settled.push(callback);
  }

  /** Brings `nowMs` up to date, for whoever goes on outside of a poll. */
  updateTime(): void {
    this.nowMs = this.#clock();
  }

  /** Waits at most `timeoutMs` for events, notes all there are, runs every task that is queued by then, and fires timers. */
  poll(timeoutMs: number): void {
    const mayNotSleep = this.#runSettled() || this.#taskCount > 0;
    // By the time of the poll before: a timer fires later by what has been done since, at most.
    const dueMs = Math.max(0, this.#timers.nextDueAt - this.nowMs);
    const waitMs = mayNotSleep ? 0 : Math.ceil(Math.min(timeoutMs, dueMs));
    const count = this.libc.call.epoll_wait(this.#epoll, this.#events, maxEvents, waitMs);
    if (count < 0) {
      const number = this.libc.errno();
      if (number !== errno.EINTR) throw new SystemError("epoll_wait", number);
    }
    if (count > maxEvents) throw new Error(`epoll_wait gave ${count} of ${maxEvents} events`);
    this.updateTime();
    for (let index = 0, at = 0; index < count; index++, at += epollEvent.bytes) {
      const descriptor = this.#eventsView.getInt32(at + epollEvent.dataAt, true);
      try {
        this.#watchers[descriptor]?.ready(this.#eventsView.getInt32(at, true));
      } catch (error) {
        this.onFault(error);
      }
    }
    this.#runTasks();
    // Last: what is known of a connection by now, a reset above all, outweighs that a time is up.
    this.#timers.fireDue(this.nowMs, (timer, error) => this.#fail(timer, error));
  }

  [Symbol.dispose](): void {
    this.libc.call.close(this.#epoll);
    this.libc.close();
  }

  /** Makes the calls of `whenSettled`; false when there was none to make. */
  #runSettled(): boolean {
    const settled = this.#settled;
    if (settled.length === 0) return false;
    this.#settled = [];
    this.microtasksPending = true;
    for (const callback of settled) {
      try {
        callback();
      } catch (error) {
        this.onFault(error);
      }
    }
    return true;
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
      this.runNow(task);
    }
  }

  #fail(owner: Failing, error: unknown): void {
    // It may settle what somebody awaits.
    this.microtasksPending = true;
    if (owner.fail === undefined) this.onFault(error);
    else owner.fail(error);
  }
}
