/** What a line of the log looks like: for people, or for machines. */
import { printable } from "../values/printable.ts";

export type Level = "debug" | "info" | "warn" | "error";
export type Fields = { readonly [name: string]: unknown };

/** text: a line for people; json: an object a line, the fields beside the message. */
export type LogFormat = "text" | "json";

export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: Level;
  readonly message?: string;
  readonly fields: Fields;
}

/** One line, whatever message and fields hold; without its line feed. */
export function logLine(format: LogFormat, entry: LogEntry): string {
  return format === "json" ? jsonLine(entry) : textLine(entry);
}

/** The line that says that others are missing. */
export function lostLine(format: LogFormat, { count, time }: { count: number; time: number }): string {
  return logLine(format, { time, level: "warn", message: `${count} log lines were lost`, fields: {} });
}

function jsonLine({ time, level, message, fields }: LogEntry): string {
  return JSON.stringify({
    time: new Date(time).toISOString(),
    level,
    ...(message === undefined ? {} : { message }),
    ...fields,
  });
}

function textLine({ time, level, message = "" }: LogEntry): string {
  return `${new Date(time).toISOString().slice(11, 23)} ${level.padEnd(5)} ${printable(message)}`;
}
