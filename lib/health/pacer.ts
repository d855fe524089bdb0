import type { Clock } from "../values/clock.ts";
import { Schedule, type Scheduled } from "./schedule.ts";

export interface PacerOptions<Job extends Scheduled> {
  readonly clock: Clock;
  /** At most so many jobs run at once, from 1. */
  readonly maxUnderWay: number;
  /** Starts a job; `ended` is called once for each, later. */
  readonly start: (job: Job) => void;
}

/** Jobs that fall due within so many milliseconds of each other start together: each wake-up of the event loop costs. */
const coalesceMs = 10;

/** Starts jobs at their times, a bounded number at once; what is due waits in order. One timer for all of them. */
export class Pacer<Job extends Scheduled> implements Disposable {
  readonly #options: PacerOptions<Job>;
  readonly #schedule = new Schedule<Job>();
  /** Due, waiting for others to end. */
  readonly #ready = new Set<Job>();
  #underWay = 0;
  #cancelTimer: (() => void) | undefined;
  #timerAt = Infinity;
  #wokeAt = -Infinity;
  #closed = false;

  constructor(options: PacerOptions<Job>) {
    this.#options = options;
  }

  /** Starts the job at a time of the clock, in place of the time it had. Not for a job that is under way. */
  set(job: Job, dueAt: number): void {
    this.#ready.delete(job);
    this.#schedule.set(job, dueAt);
    this.#arm();
  }

  /** The job is not to be started, if it has not been yet. */
  delete(job: Job): void {
    this.#schedule.delete(job);
    this.#ready.delete(job);
  }

  /** A job under way has ended: another one may start. */
  ended(): void {
    this.#underWay--;
    this.#startReady();
  }

  /** Starts nothing any more. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  #arm(): void {
    const first = this.#schedule.first();
    if (first === undefined || this.#closed) return;
    const { clock } = this.#options;
    const at = Math.max(first.dueAt, this.#wokeAt + coalesceMs);
    if (this.#cancelTimer !== undefined && this.#timerAt <= at) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer = clock.after(Math.max(0, at - clock.now()), () => this.#wake());
  }

  #wake(): void {
    this.#cancelTimer = undefined;
    const now = this.#options.clock.now();
    this.#wokeAt = now;
    for (let job = this.#schedule.first(); job !== undefined && job.dueAt <= now;) {
      this.#schedule.delete(job);
      this.#ready.add(job);
      job = this.#schedule.first();
    }
    this.#startReady();
    this.#arm();
  }

  #startReady(): void {
    if (this.#closed) return;
    for (const job of this.#ready) {
      if (this.#underWay >= this.#options.maxUnderWay) return;
      this.#ready.delete(job);
      this.#underWay++;
      this.#options.start(job);
    }
  }
}
