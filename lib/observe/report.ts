/** From what happens to the line that the log has of it. */
import { formatDuration } from "../values/duration.ts";
import { errorCode, systemWords } from "../values/system_error.ts";
import { goneBeforeAccept } from "../values/words.ts";
import type { Fields, Level } from "./log_line.ts";

export interface ReportLine {
  readonly level: Level;
  readonly message: string;
  readonly fields?: Fields;
}

export interface HealthChanged {
  readonly pool: string;
  readonly target: string;
  readonly from: string;
  readonly to: string;
  /** What the probe that decided has found. */
  readonly detail: string;
}

/** A target's verdict has changed. */
export function healthLine({ pool, target, from, to, detail }: HealthChanged): ReportLine {
  return {
    level: to === "down" ? "warn" : "info",
    message: `target ${pool}/${target} is ${to}, was ${from}: ${detail}`,
    fields: { pool, target, state: to, from, detail },
  };
}

export interface AttemptFailed {
  readonly session: string;
  readonly pool: string;
  readonly target: string;
  /** The reason, as a close record has it. */
  readonly error: string | null;
  /** Why, in words ("host not found"). */
  readonly detail?: string;
  readonly ms: number;
}

/** A connect to a target has failed; the session may go on with another. */
export function failedAttemptLine(attempt: AttemptFailed): ReportLine {
  const { session, pool, target, error, ms } = attempt;
  // "connect_refused (connection refused)" says the same twice.
  const detail = attempt.detail === undefined ? undefined : inWords(attempt.detail);
  const why = detail === undefined || detail === plainWords(error) ? "" : ` (${detail})`;
  return {
    level: "debug",
    message: `session ${session}: ${pool}/${target} failed: ${error}${why}, ${ms} ms`,
    fields: { session, pool, target, error, ms, ...(detail === undefined ? {} : { detail }) },
  };
}

/** The reasons whose name says all that there is to say. */
function plainWords(error: string | null): string | undefined {
  if (error === "connect_refused") return "connection refused";
  return error === "connect_timeout" ? "timeout" : undefined;
}

export interface AcceptsFailed {
  readonly listener: string;
  /** What the system said. */
  readonly cause: string;
  readonly count: number;
}

/** A listener could not accept for a moment. */
export function failedAcceptsLine({ listener, cause, count }: AcceptsFailed): ReportLine {
  const detail = inWords(cause);
  return {
    level: cause === goneBeforeAccept ? "debug" : "warn",
    message: `listener ${listener}: accepting failed ${count} times: ${detail}`,
    fields: { listener, cause: detail, count },
  };
}

export interface ThreadDied {
  readonly worker: number;
  readonly cause: string;
  /** How many it had open. */
  readonly sessions: number;
  /** null = it is not started again. */
  readonly restartMs: number | null;
}

/** A data-plane thread has died. */
export function deathLine({ worker, cause, sessions, restartMs }: ThreadDied): ReportLine {
  const next = restartMs === null ? "lb is stopping without it" : `it starts again in ${restartMs} ms`;
  return {
    level: "error",
    message: `internal error: data-plane thread ${worker} died, and ${sessions} open sessions with it; ` +
      `${next}: ${cause}`,
    fields: { worker, sessions, restartMs, cause },
  };
}

/** Probes say nothing about a target: this process or machine is at fault. */
export function inconclusiveLine(
  { pool, target, detail }: { readonly pool: string; readonly target: string; readonly detail: string },
): ReportLine {
  return {
    level: "warn",
    message: `probes say nothing about target ${pool}/${target}, it stays as it is: ${detail}`,
    fields: { pool, target, detail },
  };
}

/** More probes are due than can be made. */
export function overloadLine(
  { wantedPerSecond, donePerSecond }: { readonly wantedPerSecond: number; readonly donePerSecond: number },
): ReportLine {
  const [wanted, done] = [Math.round(wantedPerSecond), Math.round(donePerSecond)];
  return {
    level: "warn",
    message: `health checks come late: ${wanted} probes a second are due, ${done} are made; ` +
      "make their interval longer",
    fields: { wantedPerSecond: wanted, donePerSecond: done },
  };
}

export interface NameChanged {
  readonly host: string;
  readonly addresses: readonly string[];
  /** Why the newest lookup has failed. */
  readonly problem: string | undefined;
}

/** A host name stands for something else now, or cannot be looked up. */
export function nameLine({ host, addresses, problem }: NameChanged): ReportLine {
  const list = addresses.join(", ");
  if (problem === undefined) {
    return { level: "info", message: `${host} stands for ${list}`, fields: { host, addresses } };
  }
  const kept = addresses.length === 0 ? "nothing is known of it" : `it still stands for ${list}`;
  return {
    level: "warn",
    message: `${host} cannot be looked up: ${problem}; ${kept}`,
    fields: { host, addresses, problem },
  };
}

export interface BindSkipped {
  readonly listener: string;
  readonly address: string;
  /** What the system said. */
  readonly why: string;
}

/** One of the addresses of a listener's host name is not bound. */
export function skippedBindLine({ listener, address, why }: BindSkipped): ReportLine {
  const detail = inWords(why);
  return {
    level: "warn",
    message: `listener ${listener} does not listen on ${address}: ${detail}`,
    fields: { listener, address, why: detail },
  };
}

/** How many sessions of a listener or a target are open. */
export interface OpenSessions {
  readonly kind: string;
  readonly name: string;
  readonly count: number;
}

/** So many of them are named in a line. */
const maxNamed = 10;

function openText(open: readonly OpenSessions[]): string {
  const named = open.slice(0, maxNamed).map(({ kind, name, count }) => `${count} of ${kind} ${name}`);
  const more = open.length - named.length;
  return named.join(", ") + (more > 0 ? ` and those of ${more} more` : "");
}

/** As many of them as a line names, and how many more there are. */
function openFields(open: readonly OpenSessions[]): Fields {
  return { open: open.slice(0, maxNamed), more: Math.max(0, open.length - maxNamed) };
}

/** When open sessions are cut; `deadlineMs` Infinity = never. */
export interface Deadline {
  readonly deadlineMs: number;
  /** Over how long from then on; 0 = at once. */
  readonly spreadMs: number;
}

function deadlineText({ deadlineMs, spreadMs }: Deadline): string {
  if (deadlineMs === Infinity) return "without a deadline";
  const wait = formatDuration(deadlineMs);
  return spreadMs === 0 ? `cut in ${wait}` : `cut from ${wait} on, over ${formatDuration(spreadMs)}`;
}

function deadlineFields({ deadlineMs, spreadMs }: Deadline): Fields {
  return { deadlineMs: deadlineMs === Infinity ? null : deadlineMs, spreadMs };
}

/** Listeners or targets were removed that have open sessions. */
export function departingLine(
  { open, ...deadline }: Deadline & { readonly open: readonly OpenSessions[] },
): ReportLine {
  return {
    level: "info",
    message: `open sessions of what was removed end: ${openText(open)}; ${deadlineText(deadline)}`,
    fields: { ...openFields(open), ...deadlineFields(deadline) },
  };
}

/** Open sessions are cut for what has become of their target or listener. */
export function cuttingLine(
  { reason, open, spreadMs }: {
    readonly reason: string;
    readonly open: readonly OpenSessions[];
    readonly spreadMs: number;
  },
): ReportLine {
  const what = reason === "target_down" ? "their target is down" : "what they belong to was removed";
  const pace = spreadMs === 0 ? "at once" : `over ${formatDuration(spreadMs)}`;
  return {
    level: "warn",
    message: `open sessions are cut ${pace}, ${what}: ${openText(open)}`,
    // Not `reason`: that is a close record's.
    fields: { cause: reason, ...openFields(open), spreadMs },
  };
}

/** A drain begins with its delay. */
export function drainDelayedLine(delayMs: number): ReportLine {
  return {
    level: "info",
    message: `no longer ready: new sessions are taken for ${formatDuration(delayMs)} more, then lb drains`,
    fields: { delayMs },
  };
}

/** The listeners close. */
export function drainingLine(
  { open, ...deadline }: Deadline & { readonly open: number },
): ReportLine {
  return {
    level: "info",
    message: `draining: no new sessions, ${open} open ones end, ${deadlineText(deadline)}`,
    fields: { sessions: open, ...deadlineFields(deadline) },
  };
}

/** The drain is over; what was cut for its target, which turned down meanwhile, has ended, too. */
export function drainedLine(
  { ended, cut }: { readonly ended: number; readonly cut: number },
): ReportLine {
  return {
    level: "info",
    message: `drained: ${ended} sessions ended, ${cut} were cut`,
    fields: { ended, cut },
  };
}

/** Events that never arrived here. */
export function lostEventsLine(count: number): ReportLine {
  return {
    level: "warn",
    message: `${count} events were dropped: a data-plane thread had no time to report them`,
    fields: { lost: count },
  };
}

export interface ClosedSession {
  readonly reason: string;
  readonly listener: string;
  readonly pool: string;
  readonly target: string | null;
  readonly client: string;
  readonly attempts: readonly { readonly target: string; readonly error: string | null }[];
  readonly bytes: { readonly received: number; readonly sent: number };
  readonly ms: { readonly total: number };
}

/** A close record for people. */
export function closedText(session: ClosedSession): string {
  const { reason, listener, pool, target, client, attempts, bytes, ms } = session;
  const failed = attempts.flatMap(({ target, error }) => error === null ? [] : [`${target} ${error}`]);
  const after = failed.length > 0 ? `, after ${failed.join(", ")}` : "";
  return `closed ${reason}: ${client} -> ${listener} -> ${pool}/${target ?? "-"}, ` +
    `${bytes.received} bytes received, ${bytes.sent} sent, ${ms.total} ms${after}`;
}

/** The system's own text becomes words; what is not the system's stays. */
export function inWords(text: string): string {
  return systemWords(errorCode(text) ?? text) ?? text;
}
