/** The log that operators read. The only importer of @logtape/logtape. */
import { configure, getLogger, type LogRecord } from "@logtape/logtape";
import { printable } from "../values/printable.ts";
import { LineWriter, type Output } from "./line_writer.ts";

export type Level = "debug" | "info" | "warn" | "error";
export type Fields = { readonly [name: string]: unknown };

export interface LogOptions {
  readonly level: Level;
  /** text: a line for people; json: an object a line, the fields beside the message. */
  readonly format: "text" | "json";
  readonly output: Output;
}

/** One line a call. `message` is a whole sentence; `fields` say the same for machines. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /**
   * A line that may come thousands of times a second, written past the library (18 microseconds a line). `text` is
   * made only where the format asks for it.
   */
  bulk(fields: Fields, text: () => string): void;
  /** Resolves once everything is written, or nothing could be for `patienceMs`. */
  flush(patienceMs: number): Promise<void>;
}

const libraryLevels = { debug: "debug", info: "info", warn: "warning", error: "error" } as const;

/** Sets up the process's log; calling it again replaces the one before. */
export async function openLog({ level, format, output }: LogOptions): Promise<Log> {
  const line = format === "json" ? jsonLine : textLine;
  const lost = (count: number) =>
    line({ time: Date.now(), level: "warn", message: `${count} log lines were lost`, fields: {} });
  const writer = new LineWriter(output, lost);
  await configure({
    reset: true,
    sinks: { lines: (record) => writer.write(line(entryOf(record))) },
    loggers: [
      { category: ["lb"], sinks: ["lines"], lowestLevel: libraryLevels[level] },
      { category: ["logtape", "meta"], sinks: ["lines"], lowestLevel: "error" },
    ],
  });
  const logger = getLogger(["lb"]);
  // The message goes as a property: in a template, braces in a peer's words would be placeholders.
  const template = "{message}";
  return {
    debug: (message, fields) => logger.debug(template, { ...fields, message }),
    info: (message, fields) => logger.info(template, { ...fields, message }),
    warn: (message, fields) => logger.warn(template, { ...fields, message }),
    error: (message, fields) => logger.error(template, { ...fields, message }),
    bulk(fields, text) {
      const time = Date.now();
      if (level === "warn" || level === "error") return;
      writer.write(
        format === "json"
          ? jsonLine({ time, level: "info", fields })
          : textLine({ time, level: "info", message: text(), fields }),
      );
    },
    flush: (patienceMs) => writer.flush(patienceMs),
  };
}

interface Entry {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: Level;
  readonly message?: string;
  readonly fields: Fields;
}

function entryOf({ timestamp, level, properties, message }: LogRecord): Entry {
  const { message: text, ...fields } = properties;
  return {
    time: timestamp,
    level: level === "warning" ? "warn" : level === "fatal" ? "error" : level === "trace" ? "debug" : level,
    message: typeof text === "string" ? text : message.join(""),
    fields,
  };
}

function jsonLine({ time, level, message, fields }: Entry): string {
  return JSON.stringify({
    time: new Date(time).toISOString(),
    level,
    ...(message === undefined ? {} : { message }),
    ...fields,
  });
}

function textLine({ time, level, message = "" }: Entry): string {
  return `${new Date(time).toISOString().slice(11, 23)} ${level.padEnd(5)} ${printable(message)}`;
}
