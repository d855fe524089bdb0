/** A data-plane thread as it is, but that thread 0 hangs as soon as it is to drain. */
import "../../lib/dataplane/worker.ts";
import type { Command } from "../../lib/dataplane/messages.ts";

const scope = globalThis as unknown as { onmessage: (event: MessageEvent<Command>) => void };
const obey = scope.onmessage;
let worker = -1;

scope.onmessage = (event) => {
  const { data } = event;
  if (data.type === "start") worker = data.worker;
  if (data.type === "drain" && worker === 0) {
    // Nobody can end a thread that waits here, or loops; this way it takes no processor from other tests.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
  }
  obey(event);
};
