/** A group of data-plane threads that does nothing but remember what it was asked, in order. */
import type { ThreadGroup, ThreadsOptions } from "../../lib/control/threads.ts";
import type { Bind, Cut, Drained } from "../../lib/dataplane/messages.ts";
import type { Snapshot } from "../../lib/dataplane/snapshot.ts";
import { Readers } from "../../lib/shared/readers.ts";
import type { EngineName } from "../../lib/values/words.ts";

/** Port 0 becomes this one, or the next after it. */
const firstPort = 40_001;

export class FakeThreads implements ThreadGroup {
  readonly options: ThreadsOptions;
  /** What was asked: a verb, and the keys or the revision it was asked with. */
  readonly calls: string[] = [];
  readonly snapshots: Snapshot[] = [];
  /** What is bound now, by key. */
  readonly bound = new Map<string, Bind>();
  /** Called by each bind; when it rejects, nothing is bound. */
  onBind: (binds: readonly Bind[]) => Promise<void> = () => Promise.resolve();
  /** Awaited by each unbind: when what it closes is free. */
  onUnbind: () => Promise<void> = () => Promise.resolve();
  /** Sessions of older snapshots go on: no thread says that it is past them. */
  keepsOldSessions = false;
  /** Drains never end by themselves. */
  hangs = false;
  readonly #ended = Promise.withResolvers<void>();
  /** Every cut that was asked for. */
  readonly cuts: Cut[] = [];
  /** What a drain comes to. */
  drained: Drained = { ended: 0, cut: 0 };
  readonly #readers: Readers;

  constructor(options: ThreadsOptions) {
    this.options = options;
    this.#readers = new Readers(options.memory);
    this.setReaders(0);
  }

  /** Every thread says that `revision` is the oldest one it uses. */
  setReaders(revision: number): void {
    for (let index = 0; index < this.options.count; index++) this.#readers.set(index, revision);
  }

  open(): void {}

  start(engine: EngineName): Promise<void> {
    this.calls.push(`start ${engine}`);
    return Promise.resolve();
  }

  async bind(binds: readonly Bind[]): Promise<readonly Bind[]> {
    this.#note("bind", binds.map(({ key }) => key));
    await this.onBind(binds);
    const bound = binds.map((bind) => this.#withPort(bind));
    for (const bind of bound) this.bound.set(bind.key, bind);
    return bound;
  }

  unbind(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) this.#note("unbind", keys);
    for (const key of keys) this.bound.delete(key);
    return this.onUnbind();
  }

  publish(snapshot: Snapshot): void {
    this.calls.push(`publish ${snapshot.revision}`);
    this.snapshots.push(snapshot);
    if (!this.keepsOldSessions) this.setReaders(snapshot.revision);
  }

  accept(): void {
    this.calls.push("accept");
  }

  cut(cut: Cut): void {
    this.calls.push(`cut ${cut.reason}`);
    this.cuts.push(cut);
  }

  async drain(giveUp: AbortSignal): Promise<Drained> {
    this.calls.push("drain");
    giveUp.addEventListener("abort", () => this.#ended.resolve(), { once: true });
    if (this.hangs) await this.#ended.promise;
    return this.drained;
  }

  terminate(): void {
    this.calls.push("terminate");
    this.#ended.resolve();
  }

  #note(verb: string, keys: readonly string[]): void {
    this.calls.push(`${verb} ${keys.join(" ")}`);
  }

  #withPort(bind: Bind): Bind {
    if (bind.address.kind !== "tcp" || bind.address.port !== 0) return bind;
    return { ...bind, address: { ...bind.address, port: firstPort + this.bound.size } };
  }
}
