import type { LineSink } from "../../lib/observe/log_thread.ts";

/** The lines of a log, kept for a test. */
export class CapturedLines implements LineSink {
  readonly lines: string[] = [];

  write(line: string): void {
    this.lines.push(line);
  }

  writeBulk(line: string): void {
    this.write(line);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }
}
