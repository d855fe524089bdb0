/** The signals that `lb run` obeys. */

export interface Signals extends Disposable {
  /** Settles at the first of them: TERM asks for a drain, INT for a stop at once. */
  readonly stop: Promise<"drain" | "now">;
  /** Settles at the one that says "at once": INT, or a second TERM. */
  readonly now: Promise<"now">;
  /** Called for every HUP, and every `hangup`, in place of what was called before; one that came before is made up for. */
  onHangup(reload: () => void): void;
  /** Does what a HUP does. */
  hangup(): void;
}

/** Takes over the signals until disposed; those without a meaning are ignored, because each would end the process. */
export function onSignals(): Signals {
  const stop = Promise.withResolvers<"drain" | "now">();
  const now = Promise.withResolvers<"now">();
  let reload: (() => void) | undefined;
  let missed = false;
  const hangup = () => {
    if (reload === undefined) missed = true;
    else reload();
  };
  let terms = 0;
  const stopNow = () => {
    stop.resolve("now");
    now.resolve("now");
  };
  const handlers: readonly [Deno.Signal, () => void][] = [
    ["SIGINT", stopNow],
    // A second TERM comes from somebody who does not want to wait.
    ["SIGTERM", () => ++terms === 1 ? stop.resolve("drain") : stopNow()],
    ["SIGHUP", hangup],
    ["SIGUSR1", () => {}],
    ["SIGUSR2", () => {}],
  ];
  for (const [signal, handler] of handlers) Deno.addSignalListener(signal, handler);
  return {
    stop: stop.promise,
    now: now.promise,
    onHangup(callback) {
      reload = callback;
      if (missed) callback();
      missed = false;
    },
    hangup,
    [Symbol.dispose]() {
      for (const [signal, handler] of handlers) Deno.removeSignalListener(signal, handler);
    },
  };
}

/** Calls that come while one is under way become a single one after it. `work` must not reject. */
export function oneAtATime(work: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const start = async () => {
    running = true;
    do {
      again = false;
      await work();
    } while (again);
    running = false;
  };
  return () => {
    if (running) again = true;
    else start();
  };
}
