/** Gathers what a data-plane thread has to report and sends it a few times a second, not once a session. */
import type { Engine } from "../relay/engine.ts";
import type { CloseRecord } from "../session/record.ts";
import type { AcceptErrors, FailedAttempt, FailingTarget, Report } from "./messages.ts";

const flushMs = 20;

/** Beyond so many between two reports a thread drops the newer ones: it had no time to report. */
const maxWaiting = 50_000;

/** Not for several threads. Call `flush` before the thread ends. */
export class Outbox {
  readonly #post: (report: Report) => void;
  readonly #after: Engine["after"];
  #closed: CloseRecord[] = [];
  #failedAttempts: FailedAttempt[] = [];
  #acceptErrors = new Map<string, AcceptErrors>();
  #faults: string[] = [];
  #failing = new Map<string, FailingTarget>();
  #lost = 0;
  #cancel: (() => void) | undefined;

  constructor(post: (report: Report) => void, after: Engine["after"]) {
    this.#post = post;
    this.#after = after;
  }

  closed(record: CloseRecord): void {
    this.#add(this.#closed, record);
  }

  failedAttempt(attempt: FailedAttempt): void {
    this.#add(this.#failedAttempts, attempt);
  }

  acceptError(listener: string, cause: string): void {
    const key = `${listener}\n${cause}`;
    const count = (this.#acceptErrors.get(key)?.count ?? 0) + 1;
    this.#acceptErrors.set(key, { listener, cause, count });
    this.#schedule();
  }

  /** A target that fails on; of each, the newest is told. */
  failing(failing: FailingTarget): void {
    this.#failing.set(`${failing.pool}/${failing.target}`, failing);
    this.#schedule();
  }

  /** A fault of the program itself. */
  fault(error: unknown): void {
    this.#add(this.#faults, error instanceof Error ? error.stack ?? error.message : String(error));
  }

  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const report: Report = {
      type: "events",
      closed: this.#closed,
      failedAttempts: this.#failedAttempts,
      acceptErrors: [...this.#acceptErrors.values()],
      faults: this.#faults,
      lost: this.#lost,
    };
    this.#lost = 0;
    [this.#closed, this.#failedAttempts, this.#faults] = [[], [], []];
    this.#acceptErrors.clear();
    this.#post(report);
    if (this.#failing.size === 0) return;
    this.#post({ type: "failing", targets: [...this.#failing.values()] });
    this.#failing.clear();
  }

  #add<T>(list: T[], item: T): void {
    if (list.length < maxWaiting) list.push(item);
    else this.#lost++;
    this.#schedule();
  }

  #schedule(): void {
    this.#cancel ??= this.#after(flushMs, () => this.flush());
  }
}
