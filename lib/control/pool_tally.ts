/** How the targets of a pool stand for its ejection, counted as each of them changes: a pool may have thousands. */
import type { PoolCounts } from "../health/ejection.ts";

/** What a target is for its pool; `observed`: it would be ejected until then, were the rule in force. */
export type Standing =
  | { readonly kind: "eligible" | "ejected" }
  | { readonly kind: "observed"; readonly until: number }
  /** It would take no sessions either way: it is down, or its weight is 0. */
  | { readonly kind: "absent" };

/** Its owner calls `set` whenever what a target stands for may have changed. */
export class PoolTally {
  readonly #eligible = new Set<string>();
  readonly #ejected = new Set<string>();
  /** Until when. */
  readonly #observed = new Map<string, number>();
  #targets = 0;
  /** Before this no observed one is eligible again. */
  #nextUntil = Infinity;

  /** One more target belongs to the pool; it is absent until something else is said. */
  add(): void {
    this.#targets++;
  }

  set(key: string, standing: Standing): void {
    for (const known of [this.#eligible, this.#ejected, this.#observed]) known.delete(key);
    if (standing.kind === "eligible") this.#eligible.add(key);
    else if (standing.kind === "ejected") this.#ejected.add(key);
    else if (standing.kind === "observed") {
      this.#observed.set(key, standing.until);
      this.#nextUntil = Math.min(this.#nextUntil, standing.until);
    }
  }

  countsAt(now: number): PoolCounts {
    if (now >= this.#nextUntil) this.#endObserved(now);
    return {
      targets: this.#targets,
      ejected: this.#ejected.size + this.#observed.size,
      eligible: this.#eligible.size,
    };
  }

  /** Those that are ejected, or would be, while no target is eligible. */
  strandedAt(now: number): readonly string[] {
    const { ejected, eligible } = this.countsAt(now);
    return ejected === 0 || eligible > 0 ? [] : [...this.#ejected, ...this.#observed.keys()];
  }

  #endObserved(now: number): void {
    this.#nextUntil = Infinity;
    for (const [key, until] of [...this.#observed]) {
      this.set(key, now >= until ? { kind: "eligible" } : { kind: "observed", until });
    }
  }
}
