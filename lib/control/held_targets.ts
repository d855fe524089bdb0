/** Targets that are down while clients are held for them: they are probed more often, for somebody waits for each probe. */
import type { Clock } from "../values/clock.ts";

/** How often it is looked whether somebody waits; a thread tells nobody that it holds clients. */
const lookMs = 200;

/** A target that is down, of a pool that holds its clients. */
export interface HeldTarget {
  readonly key: string;
  readonly poolSlot: number;
}

export interface HeldTargetsOptions {
  readonly clock: Clock;
  /** How many clients wait for a target of a pool. */
  readonly queuedOf: (poolSlot: number) => number;
  /** Somebody waits for this target. */
  readonly onAwaited: (key: string) => void;
}

/** Its owner closes it. A timer runs only while a target is down in a pool that holds. */
export class HeldTargets {
  readonly #options: HeldTargetsOptions;
  #targets: readonly HeldTarget[] = [];
  #cancelTimer: (() => void) | undefined;

  constructor(options: HeldTargetsOptions) {
    this.#options = options;
  }

  /** Takes the place of those given before. */
  set(targets: readonly HeldTarget[]): void {
    this.#targets = targets;
    if (targets.length === 0) this.close();
    else this.#lookLater();
  }

  close(): void {
    this.#targets = [];
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #lookLater(): void {
    this.#cancelTimer ??= this.#options.clock.after(lookMs, () => {
      this.#cancelTimer = undefined;
      this.#look();
    });
  }

  #look(): void {
    const { queuedOf, onAwaited } = this.#options;
    for (const { key, poolSlot } of this.#targets) if (queuedOf(poolSlot) > 0) onAwaited(key);
    if (this.#targets.length > 0) this.#lookLater();
  }
}
