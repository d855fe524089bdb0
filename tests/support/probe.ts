/** The probe of the acceptance table: 200 new connections a second, each 1 kB there and back, compared. */
import { Client } from "./client.ts";
import { eventually } from "./eventually.ts";
import { soak } from "./soak.ts";

const text = "0123456789".repeat(100);

/** Fewer in the short form, which may have a small part of a machine. */
const defaultPerSecond = soak ? 200 : 50;

/** Probes that are late are begun together, but no more than so many: what a machine could not begin it does not owe. */
const maxAtOnce = 50;

export interface ProbeOptions {
  readonly port: number;
  readonly hostname?: string;
  readonly perSecond?: number;
}

/** One probe: when it began, how long it took, and what was wrong with it. Times are those of `performance.now()`. */
export interface Probe {
  readonly startedAtMs: number;
  readonly tookMs: number;
  readonly failure?: string;
}

/**
 * Probes that begin at their times, whether those before are served or not. Dispose it to have it stopped, which waits for
 * those under way.
 */
export class ProbeLoad implements AsyncDisposable {
  readonly #options: ProbeOptions;
  readonly #probes: Probe[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #startedAtMs = performance.now();
  readonly #intervalMs: number;
  #begun = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: ProbeOptions) {
    this.#options = options;
    this.#intervalMs = 1_000 / (options.perSecond ?? defaultPerSecond);
    this.#timer = setInterval(() => this.#beginDue(), Math.max(1, this.#intervalMs));
  }

  /** Those that have ended so far. */
  get probes(): readonly Probe[] {
    return this.#probes;
  }

  /** Waits until so many more have ended, and gives exactly what has ended meanwhile. */
  async more(count: number): Promise<readonly Probe[]> {
    const before = this.#probes.length;
    const ended = () => this.#probes.length - before;
    await eventually(() => `${count} more probes; there are ${ended()}`, () => ended() >= count, {
      maxMs: 60_000 + 10 * count * this.#intervalMs,
    });
    return this.#probes.slice(before);
  }

  /** None begins any more; resolves to all of them once the last has ended. */
  async stop(): Promise<readonly Probe[]> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await Promise.all(this.#underWay);
    return this.#probes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #beginDue(): void {
    const due = Math.floor((performance.now() - this.#startedAtMs) / this.#intervalMs);
    for (let at = 0; this.#begun < due && at < maxAtOnce; at++, this.#begun++) {
      const probing = this.#one();
      this.#underWay.add(probing);
      probing.finally(() => this.#underWay.delete(probing));
    }
    this.#begun = due;
  }

  async #one(): Promise<void> {
    const { port, hostname = "127.0.0.1" } = this.#options;
    const startedAtMs = performance.now();
    let failure: { failure: string } | undefined;
    try {
      using client = await Client.open(port, hostname);
      await client.say(text);
    } catch (error) {
      failure = { failure: error instanceof Error ? error.message.slice(0, 200) : String(error) };
    }
    this.#probes.push({ startedAtMs, tookMs: performance.now() - startedAtMs, ...failure });
  }
}

/** Why probes failed, each cause with how often; empty when none did. */
export function failuresOf(probes: readonly Probe[]): { readonly [cause: string]: number } {
  const counted: { [cause: string]: number } = {};
  for (const { failure } of probes) if (failure !== undefined) counted[failure] = (counted[failure] ?? 0) + 1;
  return counted;
}

/** The time that one probe in a hundred exceeded, in milliseconds. */
export function p99MsOf(probes: readonly Probe[]): number {
  return atShare(probes.map(({ tookMs }) => tookMs), 0.99);
}

/** The value that the share of the others is not above; NaN of none. */
export function atShare(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
