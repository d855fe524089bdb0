/** The entry of a data-plane thread: commands in, reports out. */
import { portableEngine } from "../relay/portable.ts";
import type { Command, Report } from "./messages.ts";
import { BindError, DataPlane } from "./plane.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Command>) => void;
  postMessage: (report: Report) => void;
};
const post = (report: Report) => scope.postMessage(report);
let plane: DataPlane | undefined;

scope.onmessage = ({ data: command }) => {
  if (command.type === "start") {
    plane = new DataPlane({ worker: command.worker, engine: portableEngine(), memory: command.memory, post });
    return post({ type: "ready" });
  }
  if (plane === undefined) throw new Error(`${command.type} before start`);
  obey(plane, command);
};

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
