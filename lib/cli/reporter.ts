/** Turns what the balancer tells into log lines. */
import type { BalancerEvent } from "../control/events.ts";
import { FloodGate } from "../observe/flood_gate.ts";
import type { Log } from "../observe/log.ts";
import type { CloseRecord } from "../session/record.ts";

/** So many lines of a kind a second, the rest as a sum: a fault must not bury the log under one line for each client. */
const perSecond = 10;

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
  readonly #closed: FloodGate;
  readonly #accepts: FloodGate;
  readonly #faults: FloodGate;
  readonly #attempts: FloodGate;

  constructor(options: ReporterOptions) {
    this.#options = options;
    const { log } = options;
    this.#closed = new FloodGate({
      perSecond,
      onHeldBack: (reason, count) => log.info(`${count} more sessions closed: ${reason}`, { reason, count }),
    });
    this.#accepts = new FloodGate({
      perSecond: 1,
      onHeldBack: (cause, count) =>
        log.debug(`${count} more reports of failed accepts: ${cause}`, { cause, count }),
    });
    this.#attempts = new FloodGate({
      perSecond,
      onHeldBack: (what, count) => log.debug(`${count} more attempts failed: ${what}`, { count }),
    });
    this.#faults = new FloodGate({
      perSecond,
      onHeldBack: (_, count) => log.error(`${count} more internal errors`, { count }),
    });
  }

  report(event: BalancerEvent): void {
    const { log } = this.#options;
    switch (event.kind) {
      case "closed":
        for (const record of event.records) this.#reportClosed(record);
        return;
      case "health": {
        const { pool, target, from, to, detail } = event;
        const say = to === "down" ? log.warn : log.info;
        return say(`target ${pool}/${target} is ${to}, was ${from}: ${detail}`, {
          pool,
          target,
          state: to,
          from,
          detail,
        });
      }
      case "name":
        return this.#reportName(event);
      case "bindSkipped": {
        const { listener, address, why } = event;
        return log.warn(`listener ${listener} does not listen on ${address}: ${why}`, {
          listener,
          address,
          why,
        });
      }
      case "failedAttempts":
        for (const attempt of event.attempts) this.#reportAttempt(attempt);
        return;
      case "acceptErrors":
        for (const errors of event.errors) this.#reportAccept(errors);
        return;
      case "lost":
        return log.warn(
          `${event.count} events were dropped: a data-plane thread had no time to report them`,
          {
            lost: event.count,
          },
        );
      case "fault":
        if (this.#faults.admit("fault")) log.error(`internal error: ${event.detail}`);
        return;
      case "death": {
        const { worker, cause, sessions, restartMs } = event.death;
        return log.error(
          `internal error: data-plane thread ${worker} died, and ${sessions} open sessions with it; it starts again in ${restartMs} ms: ${cause}`,
          { worker, sessions, restartMs, cause },
        );
      }
    }
  }

  [Symbol.dispose](): void {
    for (const gate of [this.#closed, this.#accepts, this.#attempts, this.#faults]) gate[Symbol.dispose]();
  }

  #reportName({ host, addresses, problem }: Extract<BalancerEvent, { kind: "name" }>): void {
    const { log } = this.#options;
    const fields = { host, addresses, ...(problem === undefined ? {} : { problem }) };
    if (problem === undefined) return log.info(`${host} stands for ${addresses.join(", ")}`, fields);
    const kept = addresses.length === 0
      ? "it stands for nothing"
      : `it still stands for ${addresses.join(", ")}`;
    log.warn(`${host} cannot be looked up: ${problem}; ${kept}`, fields);
  }

  #reportClosed(record: CloseRecord): void {
    if (this.#options.limited() && !this.#closed.admit(record.reason)) return;
    this.#options.log.bulk(
      { ...record, time: new Date(record.time).toISOString() },
      () => closedText(record),
    );
  }

  #reportAttempt({ session, pool, target, error, ms, detail }: FailedAttempt): void {
    if (!this.#attempts.admit(`${pool}/${target} ${error}`)) return;
    const fields = { session, pool, target, error, detail, ms };
    this.#options.log.debug(
      `session ${session}: ${pool}/${target} failed: ${error} (${detail}), ${ms} ms`,
      fields,
    );
  }

  #reportAccept({ listener, cause, count }: AcceptErrors): void {
    const { log } = this.#options;
    // A client that is gone before it was accepted is traffic; being out of descriptors or memory is not.
    const say = cause === "a client was gone before it was accepted" ? log.debug : log.warn;
    if (this.#accepts.admit(`listener ${listener}: ${cause}`)) {
      say(`listener ${listener}: accepting failed ${count} times: ${cause}`, { listener, cause, count });
    }
  }
}

function closedText({ reason, listener, pool, target, client, attempts, bytes, ms }: CloseRecord): string {
  const failed = attempts.flatMap(({ target, error }) => error === null ? [] : [`${target} ${error}`]);
  const after = failed.length > 0 ? `, after ${failed.join(", ")}` : "";
  return `closed ${reason}: ${client} -> ${listener} -> ${pool}/${target ?? "-"}, ` +
    `${bytes.received} bytes received, ${bytes.sent} sent, ${ms.total} ms${after}`;
}
