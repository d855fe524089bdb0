/** The entry of a data-plane thread: commands in, reports out. */
import { engines, type EngineThread } from "../relay/engines.ts";
import { DataPlane } from "./data_plane.ts";
import { BindError } from "./listeners.ts";
import { warmUp } from "./warm_up.ts";
import type { Command, Report } from "./messages.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Command>) => void;
  postMessage: (report: Report) => void;
};
const post = (report: Report) => scope.postMessage(report);
let running: { readonly plane: DataPlane; readonly thread: EngineThread } | undefined;

scope.onmessage = ({ data: command }) => {
  if (command.type === "start") {
    running = start(command);
    return;
  }
  if (running === undefined) throw new Error(`${command.type} before start`);
  running.thread.messageReceived();
  obey(running.plane, command);
};

function start({ worker, engine: name, memory }: Extract<Command, { type: "start" }>): typeof running {
  const onFault = (error: unknown) => plane.fault(error);
  const thread = engines[name].startThread({
    descriptors: memory.descriptors[worker]!,
    onError: throwUncaught,
    onFault,
  });
  const { engine, wakeDescriptor } = thread;
  const plane = new DataPlane({ worker, engine, memory, post });
  // A promise that nobody waits for is one session's at most: it must not cost the others their thread.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    onFault(event.reason);
  });
  // Commands may come meanwhile; a thread that is not ready is not asked to bind.
  warmUp(thread).catch(onFault).finally(() => post({ type: "ready", wakeDescriptor }));
  return { plane, thread };
}

/** Throws outside of every promise, so that the control plane sees the thread die. */
function throwUncaught(error: unknown): void {
  setTimeout(() => {
    throw error;
  });
}

function obey(plane: DataPlane, command: Exclude<Command, { type: "start" }>): void {
  switch (command.type) {
    case "snapshot":
      return plane.apply(command.snapshot);
    case "bind":
      return bind(plane, command);
    case "unbind":
      plane.unbind(command.keys).then(() => post({ type: "unbound", id: command.id })).catch(throwUncaught);
      return;
    case "accept":
      return plane.accept();
    case "drain":
      plane.drain().catch(throwUncaught);
      return;
    case "cut":
      return plane.cut(command);
    case "ping":
      return post({ type: "pong" });
  }
}

function bind(plane: DataPlane, { id, binds }: Extract<Command, { type: "bind" }>): void {
  try {
    post({ type: "bound", id, addresses: plane.bind(binds) });
  } catch (error) {
    if (!(error instanceof BindError)) throw error;
    post({ type: "bindFailed", id, key: error.key, failure: error.failure });
  }
}
