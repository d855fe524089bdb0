/**
 * A thread that serves nobody: it reports what it is told as faults, "thread life: command", and does as the words in
 * commands say. A word ends with the number of the thread that it is for.
 */
import type { Command, Report } from "../../lib/dataplane/messages.ts";
import type { SharedMemory } from "../../lib/shared/layout.ts";
import { Permits } from "../../lib/shared/permits.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Command>) => void;
  postMessage: (report: Report) => void;
};
/** From so many lives on, counted where session numbers are, a thread is late. */
const lateFrom = 1_000;

let worker = -1;
let life = 0;
let memory: SharedMemory;
let isHung = false;
let hasSessions = false;
let isReady = false;
let bindAttempts = 0;

scope.onmessage = ({ data }) => {
  if (data.type === "start") return start(data);
  if (isHung) return;
  tell(wordsOf(data));
  obey(data);
};

function start({ worker: index, memory: shared }: Extract<Command, { type: "start" }>): void {
  worker = index;
  memory = shared;
  const count = ++memory.sessionNumbers[worker]!;
  life = count % lateFrom;
  tell("start");
  // One that is to be late is ready only once it is told to drain.
  if (count < lateFrom) becomeReady();
}

function becomeReady(): void {
  if (isReady) return;
  isReady = true;
  scope.postMessage({ type: "ready", wakeDescriptor: undefined });
}

function obey(command: Exclude<Command, { type: "start" }>): void {
  switch (command.type) {
    case "bind":
      return bind(command);
    case "unbind":
      command.keys.forEach(act);
      return scope.postMessage({ type: "unbound", id: command.id });
    case "accept":
      Atomics.add(memory.runningWeights, acceptsAt + worker, 1);
      return;
    case "drain":
      becomeReady();
      if (!hasSessions) scope.postMessage({ type: "drained", ended: 0, cut: 0 });
      return;
    case "ping":
      return scope.postMessage({ type: "pong" });
  }
}

function bind({ id, binds }: Extract<Command, { type: "bind" }>): void {
  bindAttempts++;
  for (const { key } of binds) {
    if (key === `die ${worker}`) throw new Error("died while it was binding");
    const isRefused = key === `refuse ${worker}` ||
      (key === `refuse once ${worker}` && life > 1 && bindAttempts === 1);
    if (isRefused) {
      return scope.postMessage({
        type: "bindFailed",
        id,
        key,
        failure: { code: "EADDRINUSE", message: "in use" },
      });
    }
  }
  const answer = () =>
    scope.postMessage({
      type: "bound",
      id,
      addresses: binds.map(({ address }) =>
        address.kind === "tcp" && address.port === 0 ? { ...address, port: 4_711 } : address
      ),
    });
  if (binds.some(({ key }) => key === `outlive 0 ${worker}`)) {
    // The other one was asked first: its answer has arrived.
    Atomics.store(memory.runningWeights, 0, 1);
    return afterRestartOf(0, answer);
  }
  answer();
  if (binds.some(({ key }) => key === `die later ${worker}`)) {
    poll(() => Atomics.load(memory.runningWeights, 0) === 1, () => act(`die ${worker}`));
  }
}

/** Where each thread counts how often it was told to accept, behind the words that the threads give each other. */
const acceptsAt = 10;

/** Calls back once another thread has died and serves again. */
function afterRestartOf(other: number, callback: () => void): void {
  poll(() => Atomics.load(memory.runningWeights, acceptsAt + other) > 1, callback);
}

function poll(condition: () => boolean, callback: () => void): void {
  const timer = setInterval(() => {
    if (!condition()) return;
    clearInterval(timer);
    callback();
  }, 1);
}

/** What a test has a thread do, in the key of a bind that goes. */
function act(key: string): void {
  switch (key) {
    case `die ${worker}`:
      throw new Error(`thread ${worker} was told to die`);
    case `hang ${worker}`:
      isHung = true;
      return;
    case `serve ${worker}`:
      hasSessions = true;
      return;
    case `finish ${worker}`:
      return scope.postMessage({ type: "drained", ended: 2, cut: 1 });
    case `be late ${worker}`:
      memory.sessionNumbers[worker] = lateFrom + life;
      return;
    case `see failures ${worker}`: {
      const [pool, target, cause] = ["app", "a:1", "connection refused"];
      scope.postMessage({ type: "failing", targets: [{ pool, target, failures: 5, cause }] });
      return scope.postMessage({ type: "trial", trial: 1, pool, target, passed: false, cause });
    }
    case `acquire ${worker}`: {
      const permits = new Permits(memory, memory.held[worker]);
      for (const slot of [0, 0, 0, 5]) permits.acquire(slot, Infinity);
    }
  }
}

function wordsOf(command: Exclude<Command, { type: "start" }>): string {
  switch (command.type) {
    case "bind":
      return `bind ${
        command.binds.map(({ key, address }) => `${key}@${"port" in address ? address.port : ""}`).join(", ")
      }`;
    case "unbind":
      return `unbind ${command.keys.join(", ")}`;
    case "snapshot":
      return `snapshot ${command.snapshot.revision}`;
    default:
      return command.type;
  }
}

function tell(words: string): void {
  const line = `${worker} ${life}: ${words}`;
  scope.postMessage({
    type: "events",
    closed: [],
    failedAttempts: [],
    acceptErrors: [],
    faults: [line],
    lost: 0,
  });
}
