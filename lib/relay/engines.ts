/** The table of engines: the only file outside their rooms that knows them by name. */
import type { EngineName } from "../values/words.ts";
import type { SocketAddress } from "../values/address.ts";
import type { Engine, Socket } from "./engine.ts";
import { freeDescriptors } from "./linux/free_descriptors.ts";
import { linuxObstacle } from "./linux/obstacle.ts";
import { startLinuxThread } from "./linux/thread.ts";
import { closeTracked, disconnectTracked } from "./linux/tracked_descriptors.ts";
import { LinuxWaker } from "./linux/waker.ts";
import { dialAsClient } from "./portable/connect.ts";
import { portableEngine } from "./portable/engine.ts";

/** Why an engine cannot run here; `broken`: it could be expected to. */
export interface Obstacle {
  readonly why: string;
  readonly broken: boolean;
}

/** An engine in the data-plane thread that it was started in. */
export interface EngineThread {
  readonly engine: Engine;
  /** Opens a connection as a client would: for the sessions that a thread has with itself. Rejects where it cannot. */
  dial(address: SocketAddress): Promise<Socket>;
  /** What the control plane's waker takes, once after each message; undefined where a message alone wakes the thread. */
  readonly wakeDescriptor: number | undefined;
  /** To be called for each message that has arrived after the thread was started. */
  messageReceived(): void;
}

export interface EngineThreadOptions {
  /** Shared with the control plane: where the thread marks descriptors that only `cleanUp` closes when it dies. */
  readonly descriptors: Uint8Array;
  /** Called when the engine cannot go on: the thread serves no more. */
  readonly onError: (error: unknown) => void;
  /** Takes what the code of one session, or a callback, has thrown: that session is ended, and the thread goes on. */
  readonly onFault: (error: unknown) => void;
}

/** Wakes threads for their messages; for the control plane. */
export interface EngineWaker extends Disposable {
  /** Never waits. */
  wake(descriptor: number): void;
}

/** What has to be known of an engine to run it. */
export interface EngineEntry {
  /** What stands in its way on this machine; undefined when it can run. */
  obstacle(): Promise<Obstacle | undefined>;
  /** Starts it in the calling thread, for as long as that lives. Throws when it cannot. */
  startThread(options: EngineThreadOptions): EngineThread;
  openWaker(): EngineWaker;
  /** Counts the descriptors that are free, at most `wanted`; undefined where the engine has no way of its own to. */
  freeDescriptors(wanted: number): number | undefined;
  /** Closes what a dead thread has left open, connections by a reset. Call it when nothing runs in the thread any more. */
  cleanUp(descriptors: Uint8Array): void;
  /** Ends the connections of a thread that hangs, by a reset, and its listeners, where it can; no descriptor is closed. */
  disconnect(descriptors: Uint8Array): void;
}

/** By name; `auto` takes the first that can run. */
export const engines: { readonly [name in EngineName]: EngineEntry } = {
  linux: {
    obstacle: () => linuxObstacle(),
    startThread: startLinuxThread,
    openWaker: () => new LinuxWaker(),
    freeDescriptors: (wanted) => freeDescriptors(wanted),
    cleanUp: (descriptors) => void closeTracked(descriptors),
    disconnect: disconnectTracked,
  },
  portable: {
    obstacle: () => Promise.resolve(undefined),
    startThread: ({ onFault }) => ({
      engine: portableEngine({ onFault }),
      dial: dialAsClient,
      wakeDescriptor: undefined,
      messageReceived() {},
    }),
    // Its threads wait in Deno's event loop, and Deno closes its own sockets with a thread.
    openWaker: () => ({ wake() {}, [Symbol.dispose]() {} }),
    freeDescriptors: () => undefined,
    cleanUp() {},
    // Nor can anybody else end them while it hangs: `terminate` does not interrupt what runs in a thread.
    disconnect() {},
  },
};

/** The engines in the order in which `auto` tries them. */
export const enginesByPreference = Object.keys(engines) as readonly EngineName[];
