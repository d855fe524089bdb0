/** A data-plane thread as it is, but that thread 0 fails at the second snapshot it is sent. */
import "../../lib/dataplane/worker.ts";
import type { Command } from "../../lib/dataplane/messages.ts";

const scope = globalThis as unknown as { onmessage: (event: MessageEvent<Command>) => void };
const obey = scope.onmessage;
let worker = -1;
let snapshots = 0;

scope.onmessage = (event) => {
  const { data } = event;
  if (data.type === "start") worker = data.worker;
  if (data.type === "snapshot" && worker === 0 && ++snapshots > 1) throw new Error("thread 0 has had enough");
  obey(event);
};
