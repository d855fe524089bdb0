/** A balancer without threads, sockets, name servers and probes: what stands in their place does as a test says. */
import assert from "node:assert/strict";
import type { Config } from "../../lib/config/config.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { Balancer } from "../../lib/control/balancer.ts";
import type { BalancerEvent } from "../../lib/control/events.ts";
import type { Started } from "../../lib/control/outcomes.ts";
import type { BindFailure } from "../../lib/dataplane/messages.ts";
import type { Snapshot } from "../../lib/dataplane/snapshot.ts";
import type { PoolSpec } from "../../lib/pool/pool.ts";
import type { Lookup, Resolver } from "../../lib/discovery/resolver.ts";
import { Monitor } from "../../lib/health/monitor.ts";
import type { ProbeOptions } from "../../lib/health/prober.ts";
import type { ProbedSpec, ProbeResult, ProbeTarget, Watched } from "../../lib/health/spec.ts";
import type { Target } from "../../lib/pool/target.ts";
import { type Shared, sharedViews } from "../../lib/shared/shared.ts";
import { formatAddress, type SocketAddress } from "../../lib/values/address.ts";
import { FakeClock } from "../health/support/fake_clock.ts";
import { eventually } from "../support/eventually.ts";
import { FakeThreads } from "./fake_threads.ts";

/** The configuration of a text. */
export function configOf(text: string): Config {
  const loaded = loadConfig(text, { file: "lb.yaml", env: () => undefined });
  assert.ok("config" in loaded, JSON.stringify(loaded));
  return loaded.config;
}

/** Answers lookups from a table, and remembers who was asked for. */
export class FakeResolver implements Resolver {
  /** By host; one that is not in it cannot be found, and `silent` is never answered. */
  readonly answers = new Map<string, readonly string[] | "silent">();
  readonly asked: string[] = [];

  lookup(host: string, signal: AbortSignal): Promise<Lookup> {
    this.asked.push(host);
    const answer = this.answers.get(host);
    if (answer === "silent") return whenAborted(signal, { kind: "failed", cause: "given up" });
    return Promise.resolve(
      answer === undefined
        ? { kind: "failed", cause: "host not found" }
        : { kind: "found", addresses: answer },
    );
  }
}

/** What a target answers to its probes. */
export type Answer = "passed" | "failed" | "inconclusive" | "silent";

/** Answers probes from a table by "host:port", all others with `passed`. */
export class FakeProbes {
  readonly answers = new Map<string, Answer>();
  /** "host:port" and the addresses of each probe, since the start. */
  readonly asked: { readonly name: string; readonly addresses: readonly string[] }[] = [];

  probe(_: ProbedSpec, target: ProbeTarget, { signal }: ProbeOptions): Promise<ProbeResult> {
    const name = `${target.host}:${target.port}`;
    this.asked.push({ name, addresses: target.addresses });
    const [address] = target.addresses;
    if (address === undefined) {
      return Promise.resolve({
        outcome: "failed",
        ms: 0,
        detail: target.unresolved ?? "no address",
        address: undefined,
      });
    }
    const answer = this.answers.get(name) ?? "passed";
    if (answer === "silent") {
      return whenAborted(signal, { outcome: "inconclusive", ms: 1, detail: "stopped", address: undefined });
    }
    return Promise.resolve({ outcome: answer, ms: 1, detail: `${name} ${answer}`, address });
  }

  countOf(name: string): number {
    return this.asked.filter((each) => each.name === name).length;
  }
}

/** How much fake time passes at each poll of a condition. */
const stepMs = 100;

/** How much fake time passes before what waits for the real event loop gets a chance. */
const passMs = 2_000;

/** Its owner starts `balancer` with `start`, and has time pass with `until` and `run`. Stops the balancer at its end. */
export class BalancerWorld implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly resolver = new FakeResolver();
  readonly probes = new FakeProbes();
  readonly events: BalancerEvent[] = [];
  readonly balancer: Balancer;
  /** Addresses that cannot be bound, as text. */
  readonly taken = new Map<string, BindFailure>();
  /** What spreads the lookups of names. */
  random = () => 0.5;
  /** When the engine is chosen. */
  engineChosen: Promise<void> = Promise.resolve();
  /** What the monitor was last told to watch. */
  watched: readonly Watched[] = [];
  #threads: FakeThreads | undefined;

  constructor(
    text: string,
    { answers = {} }: { answers?: Record<string, readonly string[] | "silent"> } = {},
  ) {
    for (const [host, answer] of Object.entries(answers)) this.resolver.answers.set(host, answer);
    const config = configOf(text);
    // Descriptors are counted by opening them, and other tests of this process need some meanwhile.
    assert.ok(config.process.maxConnections <= 1_000, "write process: { maxConnections: 20 }");
    this.balancer = new Balancer({
      config,
      onEvent: (event) => this.events.push(event),
      parts: {
        threads: (options) => this.#threads = new FakeThreads(options),
        monitor: (options) =>
          this.#spy(
            new Monitor({
              ...options,
              clock: this.clock,
              random: () => 0,
              probe: (spec, target, options) => this.probes.probe(spec, target, options),
            }),
          ),
        resolver: this.resolver,
        clock: this.clock,
        random: () => this.random(),
        chooseEngine: async () => {
          await this.engineChosen;
          return { kind: "chosen", engine: "portable", reason: "a test", warn: false };
        },
        whyTaken: (address: SocketAddress) => Promise.resolve(this.taken.get(formatAddress(address))),
        acquireBindMutex: () => Promise.resolve({ [Symbol.dispose]() {} }),
      },
    });
  }

  get threads(): FakeThreads {
    return this.#threads!;
  }

  get shared(): Shared {
    return sharedViews(this.threads.options.memory);
  }

  /** The newest snapshot. */
  get snapshot(): Snapshot {
    return this.threads.snapshots.at(-1)!;
  }

  pool(name = "app"): PoolSpec {
    const found = this.snapshot.pools.find((pool) => pool.name === name);
    assert.ok(found !== undefined, `no pool ${name} in the newest snapshot`);
    return found;
  }

  target(name: string, pool = "app"): Target {
    const found = this.pool(pool).targets.find((target) => target.name === name);
    assert.ok(found !== undefined, `no target ${pool}/${name} in the newest snapshot`);
    return found;
  }

  async start(): Promise<Started> {
    const started = await this.run(this.balancer.start());
    assert.notEqual(started, "stopped");
    return started as Started;
  }

  reload(text: string): ReturnType<Balancer["reload"]> {
    return this.run(this.balancer.reload(configOf(text)));
  }

  /** Has time pass until `work` has settled; fails when that never comes. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = () => void (isSettled = true);
    work.then(settled, settled);
    await this.until("what was begun ends", () => isSettled);
    return await work;
  }

  /** Has time pass until a condition holds; fails when it never does. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await eventually(what, async () => {
      if (condition()) return true;
      await this.clock.advance(stepMs);
      return condition();
    });
  }

  /** Has so much time pass, and everything happen that is due. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += passMs) {
      await this.clock.advance(Math.min(passMs, ms - passed));
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  eventsOf<Kind extends BalancerEvent["kind"]>(kind: Kind): Extract<BalancerEvent, { kind: Kind }>[] {
    return this.events.filter((event) => event.kind === kind) as Extract<BalancerEvent, { kind: Kind }>[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(this.balancer.stop());
    // What was to happen in the next moment when it was stopped.
    await this.pass(1);
  }

  #spy(monitor: Monitor): Monitor {
    const update = monitor.update.bind(monitor);
    monitor.update = (targets) => {
      update(targets);
      this.watched = targets;
    };
    return monitor;
  }
}

function whenAborted<T>(signal: AbortSignal, result: T): Promise<T> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(result);
    signal.addEventListener("abort", () => resolve(result), { once: true });
  });
}
