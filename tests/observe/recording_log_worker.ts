/** Stands in for the thread that writes the log: writes to files, dies or hangs as the lines tell it. */
import { LineRing } from "../../lib/observe/line_ring.ts";
import type { LogThreadReport, LogThreadStart } from "../../lib/observe/log_worker.ts";

/** A line for this thread, as JSON. */
export type Instruction =
  | { readonly do: "write"; readonly path: string; readonly text: string }
  | { readonly do: "die" }
  | { readonly do: "hang" };

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<LogThreadStart>) => void;
  postMessage: (report: LogThreadReport) => void;
};

scope.onmessage = ({ data: { memory } }) => {
  const ring = new LineRing(memory);
  scope.postMessage("running");
  while (ring.waitForLines()) {
    const bytes = ring.peek(Infinity);
    const line = bytes.subarray(0, bytes.indexOf(10) + 1);
    ring.take(line.length);
    obey(JSON.parse(new TextDecoder().decode(line)));
  }
  scope.postMessage("closed");
};

function obey(instruction: Instruction): void {
  switch (instruction.do) {
    case "write":
      return Deno.writeTextFileSync(instruction.path, `${instruction.text}\n`, { append: true });
    case "die":
      throw new Error("told to die");
    case "hang":
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
}
