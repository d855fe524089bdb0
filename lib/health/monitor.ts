import { type Clock, systemClock } from "./clock.ts";
import { probe as probeOnce } from "./probe.ts";
import type { LastProbe, ProbedSpec, ProbeResult, Watched } from "./spec.ts";
import { firstGapMs } from "./spread.ts";
import { type HealthState, nextDelayMs, soonMs, step, type Verdict } from "./verdict.ts";

/** A verdict that turned; `detail` is the result that turned it, `changedAt` in milliseconds of the monitor's clock. */
export interface HealthChange {
  readonly key: string;
  readonly from: HealthState;
  readonly to: HealthState;
  readonly detail: string;
  readonly changedAt: number;
}

/** What a monitor needs from outside; all but `onChange` have defaults. The callbacks must not throw. */
export interface MonitorOptions {
  readonly onChange: (change: HealthChange) => void;
  /** Every probe, the inconclusive ones too. */
  readonly onProbe?: (key: string, result: LastProbe) => void;
  readonly clock?: Clock;
  /** Numbers in [0, 1). */
  readonly random?: () => number;
  readonly probe?: typeof probeOnce;
}

interface Entry {
  watched: Watched;
  /** Specs are plain data: equal text, equal spec. */
  specText: string;
  verdict: Verdict;
  last: LastProbe | undefined;
  /** Inconclusive probes in a row. */
  inconclusive: number;
  stop: AbortController;
  loop: Promise<void>;
}

/** After so many inconclusive probes in a row, the first round no longer waits for a target. */
const FIRST_ROUND_INCONCLUSIVE = 3;

/** Probes a set of targets, one loop for each, and reports verdicts that turn. Stops with `close()` or `await using`. */
export class Monitor implements AsyncDisposable {
  readonly #options: Required<Omit<MonitorOptions, "onProbe">> & Pick<MonitorOptions, "onProbe">;
  readonly #entries = new Map<string, Entry>();
  readonly #loops = new Set<Promise<void>>();
  #waiting: (() => void)[] = [];
  #nextFirstAt = -Infinity;
  #closed = false;

  constructor(options: MonitorOptions) {
    this.#options = { clock: systemClock, random: Math.random, probe: probeOnce, ...options };
  }

  /**
   * Watches exactly these targets from now on.
   *
   * A target whose key, host, port and spec stay is not touched; its next probe dials the addresses given now. One whose spec
   * changed, or which got its first address or lost its last, keeps its state and is probed anew at once; one whose host or
   * port changed begins afresh. Two entries of one key: the last counts.
   */
  update(targets: readonly Watched[]): void {
    if (this.#closed) throw new Error("the monitor is closed");
    const wanted = new Map(targets.map((watched) => [watched.key, watched]));
    for (const [key, entry] of this.#entries) {
      if (wanted.has(key)) continue;
      entry.stop.abort();
      this.#entries.delete(key);
    }
    const gapMs = firstGapMs(targets);
    for (const watched of wanted.values()) this.#watch(watched, gapMs);
    this.#settle();
  }

  /** The state of a target, undefined when it is not watched. */
  state(key: string): HealthState | undefined {
    return this.#entries.get(key)?.verdict.state;
  }

  /** The newest probe of a target, undefined before its first one has ended. */
  lastProbe(key: string): LastProbe | undefined {
    return this.#entries.get(key)?.last;
  }

  /**
   * Resolves once every target has a verdict, or the monitor is closed.
   *
   * Within the spread of the first probes and one timeout; a target whose probes are inconclusive is waited for three times.
   */
  firstRound(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#settle();
    });
  }

  /** Stops all probes, aborts those in flight, and waits for them. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const entry of this.#entries.values()) entry.stop.abort();
    await Promise.all(this.#loops);
    this.#settle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #watch(watched: Watched, gapMs: number): void {
    const specText = JSON.stringify(watched.health);
    const old = this.#entries.get(watched.key);
    const same = old !== undefined && old.watched.target.host === watched.target.host &&
      old.watched.target.port === watched.target.port;
    if (same && old.specText === specText && hasAddress(old.watched) === hasAddress(watched)) {
      old.watched = watched;
      return;
    }
    old?.stop.abort();
    const entry: Entry = {
      watched,
      specText,
      verdict: same ? old.verdict : { state: initialState(watched), streak: 0 },
      last: same && watched.health.check !== "none" ? old.last : undefined,
      inconclusive: 0,
      stop: new AbortController(),
      loop: Promise.resolve(),
    };
    this.#entries.set(watched.key, entry);
    const { health } = watched;
    if (health.check === "none") {
      const { addresses, unresolved } = watched.target;
      return addresses.length > 0
        ? this.#setVerdict(entry, { state: "up", streak: 0 }, "no health check")
        : this.#setVerdict(entry, { state: "down", streak: 0 }, unresolved ?? "no address");
    }
    const firstAt = Math.max(this.#options.clock.now(), this.#nextFirstAt);
    this.#nextFirstAt = firstAt + gapMs;
    entry.loop = this.#run(entry, health, { firstAt, after: old?.loop });
    this.#loops.add(entry.loop);
    entry.loop.finally(() => this.#loops.delete(entry.loop));
  }

  async #run(
    entry: Entry,
    spec: ProbedSpec,
    { firstAt, after }: { readonly firstAt: number; readonly after: Promise<void> | undefined },
  ): Promise<void> {
    const { clock, probe } = this.#options;
    const { signal } = entry.stop;
    await after; // the old loop's probe has ended: no two at once for one target
    let startAt = firstAt;
    for (;;) {
      await clock.sleep(Math.max(0, startAt - clock.now()), signal);
      if (signal.aborted) return;
      const startedAt = clock.now();
      const result = await probe(spec, entry.watched.target, { signal, clock });
      if (signal.aborted) return;
      startAt = startedAt + this.#count(entry, spec, result);
    }
  }

  /** Takes in a result and returns the delay to the next probe. */
  #count(entry: Entry, { timing }: ProbedSpec, result: ProbeResult): number {
    const { clock, random, onProbe } = this.#options;
    entry.last = { ...result, at: clock.now() };
    onProbe?.(entry.watched.key, entry.last);
    if (result.outcome === "inconclusive") {
      entry.inconclusive++;
      this.#settle();
      return soonMs(timing, random());
    }
    entry.inconclusive = 0;
    this.#setVerdict(entry, step(entry.verdict, result.outcome === "passed", timing).verdict, result.detail);
    this.#settle();
    return nextDelayMs(entry.verdict, timing, random());
  }

  #setVerdict(entry: Entry, to: Verdict, detail: string): void {
    const from = entry.verdict.state;
    entry.verdict = to;
    if (from === to.state) return;
    const changedAt = this.#options.clock.now();
    this.#options.onChange({ key: entry.watched.key, from, to: to.state, detail, changedAt });
  }

  #settle(): void {
    const open = ({ verdict, inconclusive }: Entry) =>
      verdict.state === "checking" && inconclusive < FIRST_ROUND_INCONCLUSIVE;
    if (!this.#closed && this.#entries.values().some(open)) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function initialState({ health, target }: Watched): HealthState {
  if (health.check !== "none") return health.timing.initial;
  return target.addresses.length > 0 ? "up" : "checking";
}

function hasAddress({ target }: Watched): boolean {
  return target.addresses.length > 0;
}
