/**
 * How everything comes to its end, with an upper bound whatever hangs. The steps of a drain are numbered, here and in
 * lib/README.md.
 */
import type { Config } from "../config/config.ts";
import type { Clock } from "../values/clock.ts";
import type { BalancerEvent } from "./events.ts";
import type { ThreadGroup } from "./threads.ts";

/** How long the threads have to end their sessions when everything is to end at once. */
const lastRecordsMs = 500;

/** How long after the last session was to be cut a drain still waits for threads. */
const drainGraceMs = 2_000;

export interface EndingOptions {
  readonly threads: Pick<ThreadGroup, "drain" | "cut" | "terminate">;
  readonly clock: Clock;
  readonly openSessions: () => number;
  readonly onEvent: (
    event: Extract<BalancerEvent, { kind: "drainDelayed" | "draining" | "drained" }>,
  ) => void;
  /** Called once, as the end begins: nothing else is to cut sessions, and nothing new to begin. */
  readonly onEnding: () => void;
  /** Ends what the main thread does besides: probes, lookups. */
  readonly close: () => Promise<unknown>;
}

/** Its owner calls `drain` or `stop`, or `stop` while it drains. */
export class Ending {
  readonly #options: EndingOptions;
  readonly #stopping = new AbortController();
  /** Settles at the end of the drain; undefined before one was asked for. */
  #drained: Promise<void> | undefined;
  /** Settles at the end of the stop; undefined before one was asked for. */
  #stopped: Promise<void> | undefined;

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  get isDraining(): boolean {
    return this.#drained !== undefined;
  }

  /** Ends as the rules say, and ends with a `stop`. It takes no longer than all their times and a grace, unless there is no deadline. */
  drain(rules: Config["process"]["drain"]): Promise<void> {
    return this.isStopped ? this.stop() : this.#drained ??= this.#drain(rules);
  }

  /** Ends at once, in whichever step a drain is: sessions are cut as `killed` and leave their records; who hangs is not waited for. */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  async #drain({ delayMs, deadlineMs, closeSpreadMs }: Config["process"]["drain"]): Promise<void> {
    const { threads, clock, openSessions, onEvent, onEnding } = this.#options;
    // 1. Not ready any more, by `isDraining`; no configuration and no name is taken over.
    onEnding();

    // 2. The delay: balancers in front notice, and clients are accepted and served as before. Probes go on throughout.
    if (delayMs > 0) {
      onEvent({ kind: "drainDelayed", delayMs });
      await this.#pause(delayMs);
    }
    if (this.isStopped) return await this.stop();

    // 3. The listeners close, and who waits in their accept queues is served. From here on the deadline counts.
    onEvent({ kind: "draining", open: openSessions(), deadlineMs, spreadMs: closeSpreadMs });
    const giveUp = new AbortController();
    // 4. Sessions end by themselves.
    const drained = threads.drain(giveUp.signal);

    // 5. At the deadline the rest is cut, and threads that do not answer in time are given up.
    const cancels = deadlineMs === Infinity ? [] : [
      clock.after(deadlineMs, () => threads.cut({ reason: "drain_deadline", spreadMs: closeSpreadMs })),
      clock.after(deadlineMs + closeSpreadMs + drainGraceMs, () => giveUp.abort()),
    ];
    const counted = await drained;
    for (const cancel of cancels) cancel();

    // 6. The end, with what has become of the sessions.
    if (!this.isStopped) onEvent({ kind: "drained", ...counted });
    await this.stop();
  }

  async #stop(): Promise<void> {
    const { threads, clock, onEnding, close } = this.#options;
    this.#stopping.abort();
    onEnding();
    threads.cut({ reason: "killed", spreadMs: 0 });
    const giveUp = new AbortController();
    const cancel = clock.after(lastRecordsMs, () => giveUp.abort());
    await threads.drain(giveUp.signal);
    cancel();
    threads.terminate();
    await close();
  }

  /** Resolves after so long, or as everything is to end at once. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#stopping.signal.addEventListener("abort", () => {
        cancel();
        resolve();
      }, { once: true });
    });
  }
}
