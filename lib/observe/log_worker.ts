/** The thread that writes the log: waits for lines and writes them, for as long as the process lives. */
import { LineOutput } from "./line_output.ts";
import { LineRing } from "./line_ring.ts";
import { type LogFormat, lostLine } from "./log_line.ts";

/** What the thread is given at its start. */
export interface LogThreadStart {
  readonly memory: SharedArrayBuffer;
  readonly format: LogFormat;
}

/** `running` before the first line, `closed` after the last one. */
export type LogThreadReport = "running" | "closed";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<LogThreadStart>) => void;
  postMessage: (report: LogThreadReport) => void;
};

// It blocks in the one event that it gets: nothing here may need an event loop, or a thread that is not there yet.
scope.onmessage = ({ data: { memory, format } }) => {
  const ring = new LineRing(memory);
  const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const output = new LineOutput({
    output: Deno.stdout,
    pause: (ms) => void Atomics.wait(never, 0, 0, ms),
    lostLine: (count) => lostLine(format, { count, time: Date.now() }),
  });
  scope.postMessage("running");
  while (ring.waitForLines()) output.writeAll(ring);
  scope.postMessage("closed");
};
