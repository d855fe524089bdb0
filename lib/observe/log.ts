/** The log that operators read. The only importer of @logtape/logtape. */
import { configure, getLogger, type LogRecord } from "@logtape/logtape";
import { type Fields, type Level, type LogEntry, type LogFormat, logLine } from "./log_line.ts";
import type { LineSink } from "./log_thread.ts";

export interface LogOptions {
  /** Lines below it are not written. */
  readonly level: Level;
  readonly format: LogFormat;
  readonly lines: LineSink;
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
export async function openLog({ level, format, lines }: LogOptions): Promise<Log> {
  await configure({
    reset: true,
    sinks: { lines: (record) => lines.write(logLine(format, entryOf(record))) },
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
      // The text is made only where it is wanted.
      const message = format === "text" ? { message: text() } : {};
      lines.writeBulk(logLine(format, { time, level: "info", ...message, fields }));
    },
    flush: (patienceMs) => lines.flush(patienceMs),
  };
}

function entryOf({ timestamp, level, properties, message }: LogRecord): LogEntry {
  const { message: text, ...fields } = properties;
  return {
    time: timestamp,
    level: level === "warning" ? "warn" : level === "fatal" ? "error" : level === "trace" ? "debug" : level,
    message: typeof text === "string" ? text : message.join(""),
    fields,
  };
}
