/** Writes the events of the balancer to the log, with a bound on how many lines of a kind come in a second. */
import type { BalancerEvent } from "../control/events.ts";
import { ejectionLine, type EjectionTold } from "../observe/ejection_report.ts";
import type { Log } from "../observe/log.ts";
import {
  closedText,
  cuttingLine,
  deathLine,
  departingLine,
  drainDelayedLine,
  drainedLine,
  drainingLine,
  failedAcceptsLine,
  failedAttemptLine,
  healthLine,
  inconclusiveLine,
  lostEventsLine,
  nameLine,
  overloadLine,
  type ReportLine,
  skippedBindLine,
} from "../observe/report.ts";
import { LogSampler } from "../observe/sampler.ts";
import type { CloseRecord } from "../session/record.ts";

/** So many lines of a kind a second, the rest as a sum: a fault must not bury the log under one line for each client. */
const maxPerSecond = 10;

type FailedAttempt = Extract<BalancerEvent, { kind: "failedAttempts" }>["attempts"][number];
type AcceptErrors = Extract<BalancerEvent, { kind: "acceptErrors" }>["errors"][number];

export interface ReporterOptions {
  readonly log: Log;
  /** Whether close records are limited now; not where the operator asked for all of them. */
  readonly limited: () => boolean;
}

/** Dispose it to have the last sums written. */
export class Reporter implements Disposable {
  readonly #options: ReporterOptions;
  readonly #closed: LogSampler;
  readonly #accepts: LogSampler;
  readonly #faults: LogSampler;
  readonly #attempts: LogSampler;
  readonly #ejections: LogSampler;

  constructor(options: ReporterOptions) {
    this.#options = options;
    const { log } = options;
    this.#closed = new LogSampler({
      maxPerSecond,
      onSuppressed: (reason, count) =>
        log.info(`${count} more sessions closed: ${reason}`, { reason, count }),
    });
    this.#accepts = new LogSampler({
      maxPerSecond: 1,
      onSuppressed: (cause, count) =>
        log.debug(`${count} more reports of failed accepts: ${cause}`, { cause, count }),
    });
    this.#attempts = new LogSampler({
      maxPerSecond,
      onSuppressed: (what, count) => log.debug(`${count} more attempts failed: ${what}`, { count }),
    });
    this.#ejections = new LogSampler({
      maxPerSecond,
      onSuppressed: (kind, count) => log.info(`${count} more targets: ${kind}`, { ejection: kind, count }),
    });
    this.#faults = new LogSampler({
      maxPerSecond,
      onSuppressed: (_, count) => log.error(`${count} more internal errors`, { count }),
    });
  }

  report(event: BalancerEvent): void {
    switch (event.kind) {
      case "closed":
        for (const record of event.records) this.#reportClosed(record);
        return;
      case "health":
        return this.#write(healthLine(event));
      case "ejected":
      case "ejectionObserved":
      case "ejectionWithheld":
      case "trial":
      case "returned":
        return this.#reportEjection(event);
      case "inconclusive":
        return this.#write(inconclusiveLine(event));
      case "probeOverload":
        return this.#write(overloadLine(event));
      case "name":
        return this.#write(nameLine(event));
      case "bindSkipped":
        return this.#write(skippedBindLine(event));
      case "departing":
        return this.#write(departingLine(event));
      case "cutting":
        return this.#write(cuttingLine(event));
      case "drainDelayed":
        return this.#write(drainDelayedLine(event.delayMs));
      case "draining":
        return this.#write(drainingLine(event));
      case "drained":
        return this.#write(drainedLine(event));
      case "failedAttempts":
        for (const attempt of event.attempts) this.#reportAttempt(attempt);
        return;
      case "acceptErrors":
        for (const errors of event.errors) this.#reportAccepts(errors);
        return;
      case "lost":
        return this.#write(lostEventsLine(event.count));
      case "fault":
        if (this.#faults.admit("fault")) this.#options.log.error(`internal error: ${event.detail}`);
        return;
      case "death":
        return this.#write(deathLine(event.death));
    }
  }

  [Symbol.dispose](): void {
    for (const sampler of [this.#closed, this.#accepts, this.#attempts, this.#ejections, this.#faults]) {
      sampler[Symbol.dispose]();
    }
  }

  #reportClosed(record: CloseRecord): void {
    if (this.#options.limited() && !this.#closed.admit(record.reason)) return;
    this.#options.log.bulk(
      { ...record, time: new Date(record.time).toISOString() },
      () => closedText(record),
    );
  }

  #reportAttempt(attempt: FailedAttempt): void {
    const { pool, target, error } = attempt;
    if (this.#attempts.admit(`${pool}/${target} ${error}`)) this.#write(failedAttemptLine(attempt));
  }

  #reportEjection(event: EjectionTold): void {
    if (this.#ejections.admit(event.kind)) this.#write(ejectionLine(event));
  }

  #reportAccepts(errors: AcceptErrors): void {
    const { listener, cause } = errors;
    if (this.#accepts.admit(`listener ${listener}: ${cause}`)) this.#write(failedAcceptsLine(errors));
  }

  #write({ level, message, fields }: ReportLine): void {
    this.#options.log[level](message, fields);
  }
}
