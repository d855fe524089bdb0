/** What connections to targets come to: counted in shared memory, for the control plane to decide about ejection. */
import type { TargetOutcomes, TriedTarget } from "../session/context.ts";
import type { TargetWords } from "../shared/target_words.ts";
import type { Reason } from "../values/words.ts";
import type { FailingTarget, Report } from "./messages.ts";

/** Failed attempts that say nothing about the target. */
const localFailures: ReadonlySet<Reason> = new Set(["client_gone_connect", "resource", "internal"]);

/** Ends before the first byte that say nothing about the target: somebody else has ended the session. */
const foreignEnds: ReadonlySet<Reason> = new Set([
  "client_reset",
  "target_down",
  "killed",
  "drain_deadline",
  "internal",
]);

/** Whether a failed attempt is the target's failure. */
export function isTargetFailure(error: Reason): boolean {
  return !localFailures.has(error);
}

export interface OutcomesOptions {
  readonly pool: string;
  /** So many failures in a row are told; Infinity = none. */
  readonly maxFailures: number;
  readonly words: Pick<
    TargetWords,
    "countRefusal" | "countReset" | "forgetRefusals" | "forgetFailures" | "setTrial"
  >;
  /** Takes reports to the control plane at once. */
  readonly post: (report: Extract<Report, { type: "failing" | "trial" }>) => void;
  /** Takes those that are not urgent. */
  readonly gather: (failing: FailingTarget) => void;
}

/**
 * The outcomes of one pool in one thread.
 *
 * A failed connect and a reset by the target before its first byte are failures. A connection forgets failed connects, a first
 * byte forgets all: a target that accepts and resets is not well for having accepted.
 */
export class Outcomes implements TargetOutcomes {
  readonly #options: OutcomesOptions;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** An attempt to connect has failed. */
  refused(tried: TriedTarget, error: Reason): void {
    const { words } = this.#options;
    if (!isTargetFailure(error)) return this.#endTrial(tried, undefined);
    this.#failed(tried, words.countRefusal(tried.target.slot), error);
  }

  connected({ target: { slot }, trial }: TriedTarget): void {
    this.#options.words.forgetRefusals(slot);
    if (trial !== undefined) this.#options.words.setTrial(slot, trial, "connected");
  }

  /** The target's first byte has come. */
  served(tried: TriedTarget): void {
    this.#options.words.forgetFailures(tried.target.slot);
    this.#endTrial(tried, { passed: true, cause: "it has answered" });
  }

  /** A session has ended without a byte of its target. */
  endedUnserved(tried: TriedTarget, reason: Reason): void {
    const { words } = this.#options;
    if (reason === "server_reset") {
      this.#failed(tried, words.countReset(tried.target.slot), "reset before the first byte");
    } else if (foreignEnds.has(reason)) this.#endTrial(tried, undefined);
    else {
      words.forgetFailures(tried.target.slot);
      this.#endTrial(tried, { passed: true, cause: reason });
    }
  }

  #failed(tried: TriedTarget, failures: number, cause: string): void {
    const { pool, maxFailures, post, gather } = this.#options;
    this.#endTrial(tried, { passed: false, cause });
    if (failures < maxFailures) return;
    const failing = { pool, target: tried.target.name, failures, cause };
    // Each client until the control plane has decided may be one more that fails.
    if (failures === maxFailures) post({ type: "failing", targets: [failing] });
    else gather(failing);
  }

  #endTrial(
    { target: { name, slot }, trial }: TriedTarget,
    result: { readonly passed: boolean; readonly cause: string } | undefined,
  ): void {
    if (trial === undefined) return;
    if (result === undefined) this.#options.words.setTrial(slot, trial, "free");
    else this.#options.post({ type: "trial", trial, pool: this.#options.pool, target: name, ...result });
  }
}
