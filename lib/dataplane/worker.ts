/** The entry of a data-plane thread: commands in, reports out. */
import { engines } from "../relay/engines.ts";
import type { Command, Report } from "./messages.ts";
import { BindError, DataPlane } from "./plane.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Command>) => void;
  postMessage: (report: Report) => void;
};
const post = (report: Report) => scope.postMessage(report);
let plane: DataPlane | undefined;
/** To be called for each command after the first: the engine's thread may sleep again. */
let messageReceived = () => {};

scope.onmessage = ({ data: command }) => {
  if (command.type === "start") {
    plane = start(command);
    return;
  }
  if (plane === undefined) throw new Error(`${command.type} before start`);
  messageReceived();
  obey(plane, command);
};

function start({ worker, engine: name, memory }: Extract<Command, { type: "start" }>): DataPlane {
  const thread = engines[name].startThread({
    descriptors: memory.owned[worker]!,
    // Out of every promise, so that the thread's death is seen.
    onError: (error) =>
      void setTimeout(() => {
        throw error;
      }),
  });
  messageReceived = () => thread.messageReceived();
  post({ type: "ready", wakeDescriptor: thread.wakeDescriptor });
  return new DataPlane({ worker, engine: thread.engine, memory, post });
}

function obey(plane: DataPlane, command: Exclude<Command, { type: "start" }>): void {
  switch (command.type) {
    case "snapshot":
      return plane.apply(command.snapshot);
    case "listen":
      return listen(plane, command);
    case "accept":
      return plane.accept();
    case "drain":
      return plane.drain();
    case "cut":
      return plane.cut(command.reason, command.spreadMs);
  }
}

function listen(plane: DataPlane, { binds }: Extract<Command, { type: "listen" }>): void {
  try {
    post({ type: "listening", addresses: plane.listen(binds) });
  } catch (error) {
    if (!(error instanceof BindError)) throw error;
    post({ type: "listenFailed", bind: error.bind, cause: error.message });
  }
}
