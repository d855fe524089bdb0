/** Stands in for the thread that writes the log: writes to files, dies or hangs as the lines tell it. */
import { LineRing } from "../../lib/observe/line_ring.ts";
import type { LogThreadReport, LogThreadStart } from "../../lib/observe/log_worker.ts";

/** A line for this thread, as JSON. */
export type Instruction =
  | { readonly do: "write"; readonly path: string; readonly text: string }
  | { readonly do: "count"; readonly padding: string }
  /** How many were counted, and how many lines were lost, as JSON. */
  | { readonly do: "report"; readonly path: string }
  | { readonly do: "waitForLosses" }
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
    const line = takeLine(ring);
    obey(JSON.parse(new TextDecoder().decode(line)), ring);
  }
  scope.postMessage("closed");
};

function takeLine(ring: LineRing): Uint8Array {
  const taken: number[] = [];
  while (taken.at(-1) !== 10) {
    const bytes = ring.peek(8 * 1024);
    const piece = bytes.subarray(0, bytes.indexOf(10) + 1 || bytes.length);
    taken.push(...piece);
    ring.take(piece.length);
  }
  return new Uint8Array(taken);
}

const never = new Int32Array(new SharedArrayBuffer(4));
let counted = 0;

function obey(instruction: Instruction, ring: LineRing): void {
  switch (instruction.do) {
    case "count":
      counted++;
      return;
    case "report":
      return Deno.writeTextFileSync(instruction.path, JSON.stringify({ counted, lost: ring.lost }));
    case "waitForLosses":
      while (ring.lost === 0) Atomics.wait(never, 0, 0, 10);
      return;
    case "write":
      return Deno.writeTextFileSync(instruction.path, `${instruction.text}\n`, { append: true });
    case "die":
      throw new Error("told to die");
    case "hang":
      Atomics.wait(never, 0, 0);
  }
}
