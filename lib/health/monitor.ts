import type { Clock } from "../values/clock.ts";
import { systemClock } from "./clock.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import { programFaultOf } from "./faults.ts";
import { InconclusiveCauses } from "./inconclusive.ts";
import { type Overload, OverloadMeter } from "./overload.ts";
import { Pacer } from "./pacer.ts";
import { Prober } from "./prober.ts";
import type { Scheduled } from "./schedule.ts";
import type { LastProbe, ProbedSpec, ProbeResult, Watched } from "./spec.ts";
import { firstGapMs } from "./spread.ts";
import { type HealthState, hurriedMs, nextDelayMs, soonMs, step, type Verdict } from "./verdict.ts";

/** A verdict that changed; `detail` is the result that changed it, `changedAt` in milliseconds of the monitor's clock. */
export interface HealthChange {
  readonly key: string;
  readonly from: HealthState;
  readonly to: HealthState;
  readonly detail: string;
  readonly changedAt: number;
}

/** What a monitor reports; the callbacks must not throw. */
export interface MonitorCallbacks {
  readonly onChange: (change: HealthChange) => void;
  /** Every probe, the inconclusive ones too. */
  readonly onProbe?: (key: string, result: LastProbe) => void;
  /**
   * A probe said nothing about its target for a cause that no other target has at present: a fault of this process or
   * machine. The same cause is reported again once no target has it any more.
   */
  readonly onInconclusive?: (fault: { readonly key: string; readonly detail: string }) => void;
  /** For ten seconds half of the probes started more than an interval after their time. Reported once for each overload. */
  readonly onOverload?: (overload: Overload) => void;
}

/** What a monitor needs from outside; all but `onChange` have defaults. */
export interface MonitorOptions extends MonitorCallbacks {
  readonly clock?: Clock;
  /** Numbers in [0, 1). */
  readonly random?: () => number;
  readonly probe?: Prober["probe"];
  /** At most so many probes run at once, from 1; the others wait, and the wait is not charged to their targets. */
  readonly maxUnderWay?: number;
}

/**
 * A probe holds one descriptor, over https up to four: fewer than the ones that are kept back for what is not a session
 * (256) when only a few checks are https.
 */
const defaultMaxUnderWay = 200;

interface Entry extends Scheduled {
  watched: Watched;
  /** Specs are plain data: equal text, equal spec. */
  specText: string;
  verdict: Verdict;
  last: LastProbe | undefined;
  /** Inconclusive probes in a row. */
  inconclusive: number;
  /** The wait that ends at `dueAt`. */
  delayMs: number;
  /** When its last probe began; undefined before the first. */
  probedAt: number | undefined;
  /** While its last probe was under way it was asked for another one soon. */
  isHurried: boolean;
  /** The address that took the last connection. */
  workingAddress: string | undefined;
  run: Run | undefined;
}

/** One probe under way. */
interface Run {
  readonly entry: Entry;
  readonly spec: ProbedSpec;
  readonly startedAt: number;
  readonly abort: AbortController;
  guard: Deadline | undefined;
  /** Its result is no longer wanted: the target is gone or is checked otherwise now. */
  stale: boolean;
  ended: boolean;
}

/** After so many inconclusive probes in a row, the first round no longer waits for a target. */
const maxFirstRoundInconclusive = 3;

/** Probes a set of targets again and again and reports verdicts that change. Stops with `close()` or `await using`. */
export class Monitor implements AsyncDisposable {
  readonly #callbacks: MonitorCallbacks;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #prober: Prober;
  readonly #probe: Prober["probe"];
  readonly #deadlines: Deadlines;
  readonly #entries = new Map<string, Entry>();
  readonly #pacer: Pacer<Entry>;
  readonly #underWay = new Set<Run>();
  readonly #causes = new InconclusiveCauses();
  readonly #overload = new OverloadMeter();
  #waiting: (() => void)[] = [];
  #nextFirstAt = -Infinity;
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(options: MonitorOptions) {
    this.#callbacks = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#prober = new Prober({ clock: this.#clock });
    this.#probe = options.probe ?? this.#prober.probe.bind(this.#prober);
    this.#pacer = new Pacer({
      clock: this.#clock,
      maxUnderWay: Math.max(1, options.maxUnderWay ?? defaultMaxUnderWay),
      start: (entry) => this.#start(entry),
    });
    this.#deadlines = new Deadlines(this.#clock);
  }

  /**
   * Watches exactly these targets from now on.
   *
   * A target whose key, host, port and spec stay is not touched; its next probe dials the addresses given now. One whose spec
   * changed, or which got its first address or lost its last, keeps its state and is probed anew at once; one whose host or
   * port changed begins afresh. Two entries of one key: the last counts.
   */
  update(targets: readonly Watched[]): void {
    if (this.#closing !== undefined) throw new Error("the monitor is closed");
    const wanted = new Map(targets.map((watched) => [watched.key, watched]));
    for (const [key, entry] of this.#entries) {
      if (wanted.has(key)) continue;
      this.#interrupt(entry);
      this.#causes.clear(key);
      this.#entries.delete(key);
    }
    const gapMs = firstGapMs(targets);
    for (const watched of wanted.values()) this.#watch(watched, gapMs);
    this.#settle();
  }

  /**
   * Brings the next probe of a target forward, to `fastIntervalMs` after the last one began and no earlier: real connections to it
   * fail, or, where `evenDown`, clients wait for it. Changes nothing for one that is to be probed soon anyway, or is not up otherwise. Costs one look into a map: it may be called for
   * each connection.
   */
  hurry(key: string, { evenDown = false }: { readonly evenDown?: boolean } = {}): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#closing !== undefined) return;
    const { watched: { health }, verdict, inconclusive, probedAt, run } = entry;
    if (health.check === "none" || inconclusive > 0) return;
    if (verdict.state !== "up" && !(evenDown && verdict.state === "down")) return;
    if (run !== undefined) {
      entry.isHurried = true;
      return;
    }
    if (probedAt === undefined) return;
    const delayMs = hurriedMs(health.timing);
    const dueAt = Math.max(this.#clock.now(), probedAt + delayMs);
    if (dueAt >= entry.dueAt) return;
    entry.delayMs = delayMs;
    this.#pacer.set(entry, dueAt);
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
   * Within the spread of the first probes and one timeout, where so many can run at once; a target whose probes are
   * inconclusive is waited for three times.
   */
  firstRound(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#settle();
    });
  }

  /** Stops all probes, aborts those under way, and waits for them. */
  async close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = Promise.withResolvers();
      this.#pacer[Symbol.dispose]();
      for (const { abort } of this.#underWay) abort.abort();
      if (this.#underWay.size === 0) this.#closing.resolve();
    }
    await this.#closing.promise;
    this.#deadlines[Symbol.dispose]();
    this.#prober[Symbol.dispose]();
    this.#settle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #watch(watched: Watched, gapMs: number): void {
    const specText = JSON.stringify(watched.health);
    const old = this.#entries.get(watched.key);
    const same = old !== undefined && isSameTarget(old.watched, watched);
    if (same && old.specText === specText && hasAddress(old.watched) === hasAddress(watched)) {
      old.watched = watched;
      return;
    }
    if (old !== undefined) this.#interrupt(old);
    const entry: Entry = old ?? newEntry(watched);
    entry.watched = watched;
    entry.specText = specText;
    entry.inconclusive = 0;
    this.#causes.clear(watched.key);
    if (!same) Object.assign(entry, newVerdict(watched));
    this.#entries.set(watched.key, entry);
    if (watched.health.check === "none") return this.#decideUnprobed(entry);
    const firstAt = Math.max(this.#clock.now(), this.#nextFirstAt);
    this.#nextFirstAt = firstAt + gapMs;
    entry.delayMs = watched.health.timing.intervalMs;
    // Otherwise it starts once the probe of before has ended: never two at once for one target.
    if (entry.run === undefined) this.#pacer.set(entry, firstAt);
    else entry.dueAt = firstAt;
  }

  #decideUnprobed(entry: Entry): void {
    const { addresses, unresolved } = entry.watched.target;
    entry.last = undefined;
    if (addresses.length > 0) this.#setVerdict(entry, { state: "up", streak: 0 }, "no health check");
    else this.#setVerdict(entry, { state: "down", streak: 0 }, unresolved ?? "no address");
  }

  /** Takes an entry out of everything that could probe it. */
  #interrupt(entry: Entry): void {
    this.#pacer.delete(entry);
    if (entry.run === undefined) return;
    entry.run.stale = true;
    entry.run.abort.abort();
  }

  #start(entry: Entry): void {
    const spec = entry.watched.health;
    if (spec.check === "none") throw new Error("a target without a check was scheduled");
    const startedAt = this.#clock.now();
    const abort = new AbortController();
    const run: Run = { entry, spec, startedAt, abort, guard: undefined, stale: false, ended: false };
    entry.run = run;
    entry.probedAt = startedAt;
    entry.isHurried = false;
    this.#underWay.add(run);
    // A probe ends by itself at its timeout. One that does not, by a fault of the program, is given up.
    run.guard = this.#deadlines.start(2 * spec.timing.timeoutMs, () => {
      abort.abort();
      this.#end(run, inconclusive("the probe itself did not end", this.#clock.now() - startedAt));
    });
    this.#run(run);
  }

  async #run(run: Run): Promise<void> {
    const { entry, spec, abort } = run;
    const options = { signal: abort.signal, preferred: entry.workingAddress };
    let result: ProbeResult;
    try {
      result = await this.#probe(spec, entry.watched.target, options);
    } catch (error) {
      result = inconclusive(programFaultOf(error).detail, this.#clock.now() - run.startedAt);
    }
    this.#end(run, result);
  }

  #end(run: Run, result: ProbeResult): void {
    if (run.ended) return;
    run.ended = true;
    run.guard?.stop();
    this.#underWay.delete(run);
    const { entry } = run;
    entry.run = undefined;
    if (this.#closing !== undefined) {
      if (this.#underWay.size === 0) this.#closing.resolve();
      return;
    }
    if (!run.stale) {
      this.#measure(run);
      entry.delayMs = this.#count(run, result);
      // A target that takes longer to answer than its interval is slow; its next probe is not delayed by others.
      this.#pacer.set(entry, Math.max(this.#clock.now(), run.startedAt + entry.delayMs));
      this.#settle();
    } else if (this.#entries.get(entry.watched.key) === entry && entry.watched.health.check !== "none") {
      this.#pacer.set(entry, entry.dueAt);
    }
    this.#pacer.ended();
  }

  /** Takes in a result and returns the delay to the next probe. */
  #count({ entry, spec: { timing } }: Run, result: ProbeResult): number {
    const { key } = entry.watched;
    entry.last = { ...result, at: this.#clock.now() };
    entry.workingAddress = result.address ?? entry.workingAddress;
    this.#callbacks.onProbe?.(key, entry.last);
    if (result.outcome === "inconclusive") {
      entry.inconclusive++;
      const { detail } = result;
      if (this.#causes.note(key, detail)) this.#callbacks.onInconclusive?.({ key, detail });
      return soonMs(timing, this.#random());
    }
    entry.inconclusive = 0;
    this.#causes.clear(key);
    this.#setVerdict(entry, step(entry.verdict, result.outcome === "passed", timing).verdict, result.detail);
    const delayMs = nextDelayMs(entry.verdict, timing, this.#random());
    return entry.isHurried && entry.verdict.state === "up" ? Math.min(delayMs, hurriedMs(timing)) : delayMs;
  }

  #measure({ entry, startedAt }: Run): void {
    const delayed = startedAt - entry.dueAt > entry.delayMs;
    const donePerSecond = this.#overload.record({ now: this.#clock.now(), delayed });
    if (donePerSecond === undefined) return;
    let wantedPerSecond = 0;
    for (const { watched, delayMs } of this.#entries.values()) {
      if (watched.health.check !== "none") wantedPerSecond += 1000 / delayMs;
    }
    this.#callbacks.onOverload?.({ wantedPerSecond, donePerSecond });
  }

  #setVerdict(entry: Entry, to: Verdict, detail: string): void {
    const from = entry.verdict.state;
    entry.verdict = to;
    if (from === to.state) return;
    const changedAt = this.#clock.now();
    this.#callbacks.onChange({ key: entry.watched.key, from, to: to.state, detail, changedAt });
  }

  #settle(): void {
    if (this.#waiting.length === 0) return;
    const open = ({ verdict, inconclusive }: Entry) =>
      verdict.state === "checking" && inconclusive < maxFirstRoundInconclusive;
    if (this.#closing === undefined && this.#entries.values().some(open)) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function newEntry(watched: Watched): Entry {
  return {
    watched,
    specText: "",
    inconclusive: 0,
    delayMs: 0,
    probedAt: undefined,
    isHurried: false,
    run: undefined,
    dueAt: 0,
    heapIndex: -1,
    ...newVerdict(watched),
  };
}

function newVerdict({ health, target }: Watched): Pick<Entry, "verdict" | "last" | "workingAddress"> {
  const unprobed = target.addresses.length > 0 ? "up" : "checking";
  const state = health.check === "none" ? unprobed : health.timing.initial;
  return { verdict: { state, streak: 0 }, last: undefined, workingAddress: undefined };
}

function isSameTarget({ target: a }: Watched, { target: b }: Watched): boolean {
  return a.host === b.host && a.port === b.port;
}

function hasAddress({ target }: Watched): boolean {
  return target.addresses.length > 0;
}

function inconclusive(detail: string, ms: number): ProbeResult {
  return { outcome: "inconclusive", ms, detail, address: undefined };
}
