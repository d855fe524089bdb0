/** What the host names of a configuration stand for, looked up again and again; the last good answer is kept. */
import type { Clock } from "../values/clock.ts";
import type { Lookup, Resolver } from "./resolver.ts";

/** What is known of a name. */
export interface NameState {
  readonly host: string;
  /** IP literals of the last good answer, in the order to try them. */
  readonly addresses: readonly string[];
  /** Why the newest lookup failed; undefined = it did not. */
  readonly problem: string | undefined;
  /** When the last good answer came, in milliseconds of the clock. */
  readonly resolvedAt: number | undefined;
  /** No lookup has ended yet. */
  readonly pending: boolean;
}

/** What `Names` needs from outside. */
export interface NamesOptions {
  readonly resolver: Resolver;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Called when a name's addresses or its problem have changed; an equal set in another order is no change. Must not throw. */
  readonly onChange: (state: NameState) => void;
}

interface Entry {
  state: NameState;
  intervalMs: number;
  /** Lookups that failed in a row. */
  failures: number;
  endedAt: number;
  readonly stop: AbortController;
  /** Ends the sleep under way; how long is left to sleep is then computed anew. */
  wake: AbortController;
  readonly first: PromiseWithResolvers<void>;
}

/** A failed lookup is repeated after a second, then after twice as long each time, at the latest after the interval. */
const firstRetryMs = 1000;

/** Lookups of many names that began together drift apart. */
const jitter = 0.1;

/** Watches names: one lookup at a time for each. Ends with `close()` or `await using`. */
export class Names implements AsyncDisposable {
  readonly #options: NamesOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #loops = new Set<Promise<void>>();

  constructor(options: NamesOptions) {
    this.#options = options;
  }

  /** Watches exactly these names from now on, each looked up every so many milliseconds; a known one keeps its answer. */
  watch(names: ReadonlyMap<string, number>): void {
    for (const [host, entry] of this.#entries) {
      if (!names.has(host)) this.#forget(host, entry);
    }
    for (const [host, intervalMs] of names) {
      const entry = this.#entries.get(host);
      if (entry === undefined) this.#begin(host, intervalMs);
      else if (entry.intervalMs !== intervalMs) {
        entry.intervalMs = intervalMs;
        entry.wake.abort();
      }
    }
  }

  /** Resolves once every name that is watched now has had its first lookup or is watched no more; at the latest after `maxMs`. */
  async firstLookups(maxMs: number): Promise<void> {
    const enough = new AbortController();
    const all = Promise.all([...this.#entries.values()].map(({ first }) => first.promise));
    await Promise.race([all, sleep(maxMs, { clock: this.#options.clock, signal: enough.signal })]);
    enough.abort();
  }

  /** What is known of a name; undefined when it is not watched. */
  state(host: string): NameState | undefined {
    return this.#entries.get(host)?.state;
  }

  /** Watches nothing any more, and waits until no lookup is under way. */
  async close(): Promise<void> {
    this.watch(new Map());
    await Promise.all(this.#loops);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #forget(host: string, entry: Entry): void {
    this.#entries.delete(host);
    entry.stop.abort();
    entry.wake.abort();
    entry.first.resolve();
  }

  #begin(host: string, intervalMs: number): void {
    const entry: Entry = {
      state: { host, addresses: [], problem: undefined, resolvedAt: undefined, pending: true },
      intervalMs,
      failures: 0,
      endedAt: 0,
      stop: new AbortController(),
      wake: new AbortController(),
      first: Promise.withResolvers(),
    };
    this.#entries.set(host, entry);
    const loop = this.#run(entry).finally(() => this.#loops.delete(loop));
    this.#loops.add(loop);
  }

  async #run(entry: Entry): Promise<void> {
    const { signal } = entry.stop;
    while (!signal.aborted) {
      const lookup = await this.#options.resolver.lookup(entry.state.host, signal);
      if (signal.aborted) return;
      this.#record(entry, notEmpty(lookup));
      await this.#rest(entry);
    }
  }

  #record(entry: Entry, lookup: Lookup): void {
    entry.endedAt = this.#options.clock.now();
    entry.failures = lookup.kind === "found" ? 0 : entry.failures + 1;
    const before = entry.state;
    entry.state = lookup.kind === "failed" ? { ...before, problem: lookup.cause, pending: false } : {
      ...before,
      addresses: inKnownOrder(before.addresses, lookup.addresses),
      problem: undefined,
      resolvedAt: entry.endedAt,
      pending: false,
    };
    entry.first.resolve();
    if (entry.state.addresses !== before.addresses || entry.state.problem !== before.problem) {
      this.#options.onChange(entry.state);
    }
  }

  /** Sleeps until the next lookup is due; a new interval counts at once. */
  async #rest(entry: Entry): Promise<void> {
    const { clock, random } = this.#options;
    const spread = 1 + jitter * (2 * random() - 1);
    for (;;) {
      const leftMs = entry.endedAt + delayMs(entry) * spread - clock.now();
      if (leftMs <= 0 || entry.stop.signal.aborted) return;
      entry.wake = new AbortController();
      await sleep(leftMs, { clock, signal: entry.wake.signal });
    }
  }
}

/** No address at all is no good answer. */
function notEmpty(lookup: Lookup): Lookup {
  const isEmpty = lookup.kind === "found" && lookup.addresses.length === 0;
  return isEmpty ? { kind: "failed", cause: "no address" } : lookup;
}

function delayMs({ failures, intervalMs }: Entry): number {
  return failures === 0 ? intervalMs : Math.min(firstRetryMs * 2 ** (failures - 1), intervalMs);
}

/** The addresses known, where the new ones are the same set: name servers rotate their answers. */
function inKnownOrder(known: readonly string[], found: readonly string[]): readonly string[] {
  const set = new Set(known);
  return found.length === set.size && found.every((address) => set.has(address)) ? known : found;
}

/** Resolves after `ms`, or at once when `signal` aborts. */
function sleep(ms: number, { clock, signal }: { clock: Clock; signal: AbortSignal }): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener("abort", end);
  });
}
