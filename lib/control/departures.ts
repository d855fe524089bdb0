/** Which open sessions are ended for what has become of their target or listener: it was removed, or has turned down. */
import type { Config } from "../config/config.ts";
import type { Cut } from "../dataplane/messages.ts";
import type { Clock } from "../values/clock.ts";
import type { BalancerEvent, OpenSessions } from "./events.ts";
import { kindAndNameOf, targetOfKey } from "./keys.ts";
import { type Model, slotKeysOf } from "./model.ts";
import type { ModelSlots } from "./model_slots.ts";

/**
 * How long after a cut is over it is looked whether somebody is left: a client that waited, in the accept queue of a removed bind
 * or for a permit, may have begun behind the cut.
 */
const lookAgainMs = 1_000;

export interface DeparturesOptions {
  readonly clock: Clock;
  readonly slots: Pick<ModelSlots, "slotOf" | "retiredSlotOf">;
  /** How many sessions hold a permit of a slot. */
  readonly openOf: (slot: number) => number;
  readonly cut: (cut: Cut) => void;
  readonly onEvent: (event: Extract<BalancerEvent, { kind: "departing" | "cutting" }>) => void;
}

/** What was removed together. */
interface Batch {
  readonly keys: Set<string>;
  readonly closeSpreadMs: number;
  isCut: boolean;
  /** Cancels the wait for its deadline, or for the next look at it. */
  cancel: () => void;
}

/** Its owner calls `keep` for each model that has come into force, and `cancel` before everything ends. */
export class Departures {
  readonly #options: DeparturesOptions;
  /** The keys of the model in force. */
  #present: ReadonlySet<string> = new Set();
  readonly #batches = new Set<Batch>();
  #isCancelled = false;

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /**
   * Says what a model in force has, once the slots of everything else are retired. What is gone has until the drain deadline of
   * this model; what is back by then keeps its sessions.
   */
  keep(model: Model): void {
    const keys = new Set(slotKeysOf(model));
    for (const batch of this.#batches) this.#release(batch, (key) => keys.has(key));
    const gone = [...this.#present].filter((key) => !keys.has(key));
    this.#present = keys;
    if (this.#isCancelled || gone.length === 0) return;
    const { clock, onEvent } = this.#options;
    const { deadlineMs, closeSpreadMs } = model.config.process.drain;
    const open = this.#openOf(gone).map(({ sessions }) => sessions);
    if (open.length > 0) onEvent({ kind: "departing", open, deadlineMs, spreadMs: closeSpreadMs });
    if (deadlineMs === Infinity) return;
    const batch: Batch = {
      keys: new Set(gone),
      closeSpreadMs,
      isCut: false,
      cancel: clock.after(deadlineMs, () => this.#cut(batch)),
    };
    this.#batches.add(batch);
  }

  /** A verdict has turned a target down: its sessions are cut where its pool wants that. */
  turnedDown(key: string, { pools, process }: Config): void {
    const { pool } = targetOfKey(key);
    if (pools.find(({ name }) => name === pool)?.onTargetDown !== "close") return;
    const { slots, openOf, cut, onEvent } = this.#options;
    const slot = slots.slotOf(key);
    const count = openOf(slot);
    const spreadMs = process.drain.closeSpreadMs;
    const open = [{ ...kindAndNameOf(key), count }];
    if (count > 0) onEvent({ kind: "cutting", reason: "target_down", open, spreadMs });
    // Also where none is counted: one may just be on its way to the target.
    cut({ reason: "target_down", spreadMs, slots: [slot] });
  }

  /** Nothing that was removed is cut any more; everything ends by other rules. */
  cancel(): void {
    this.#isCancelled = true;
    for (const { cancel } of this.#batches) cancel();
    this.#batches.clear();
  }

  /** Forgets keys of a batch, and the batch with the last of them. */
  #release(batch: Batch, isOver: (key: string) => boolean): void {
    for (const key of batch.keys) {
      if (isOver(key)) batch.keys.delete(key);
    }
    if (batch.keys.size > 0) return;
    batch.cancel();
    this.#batches.delete(batch);
  }

  /**
   * The deadline has come. A slot is asked for only now, and only as that of a retired key: by now it may be somebody else's. It is
   * looked again until no session can be left.
   */
  #cut(batch: Batch): void {
    const { clock, slots, cut, onEvent } = this.#options;
    this.#release(batch, (key) => slots.retiredSlotOf(key) === undefined);
    if (batch.keys.size === 0) return;
    const spreadMs = batch.closeSpreadMs;
    const open = this.#openOf(batch.keys);
    if (open.length > 0) {
      const reason = "drain_deadline";
      // What a second look finds are a few latecomers at most, or sessions of a thread that hangs.
      if (!batch.isCut) {
        onEvent({ kind: "cutting", reason, open: open.map(({ sessions }) => sessions), spreadMs });
      }
      batch.isCut = true;
      cut({ reason, spreadMs, slots: open.map(({ slot }) => slot) });
    }
    batch.cancel = clock.after(spreadMs + lookAgainMs, () => this.#cut(batch));
  }

  /** Which of these retired keys have open sessions. */
  #openOf(keys: Iterable<string>): { readonly slot: number; readonly sessions: OpenSessions }[] {
    const { slots, openOf } = this.#options;
    return [...keys].flatMap((key) => {
      const slot = slots.retiredSlotOf(key);
      const count = slot === undefined ? 0 : openOf(slot);
      return slot === undefined || count === 0 ? [] : [{ slot, sessions: { ...kindAndNameOf(key), count } }];
    });
  }
}
