/** Targets that are down while clients are held for them: they are probed more often, for somebody waits for each probe. */
import type { Clock } from "../values/clock.ts";

/** How often it is looked whether somebody waits; a thread tells nobody that it holds clients. */
const lookMs = 200;

export interface HeldTargetsOptions {
  readonly clock: Clock;
  /** How many clients wait for a target of a pool. */
  readonly queuedOf: (poolSlot: number) => number;
  /** Somebody waits for this target. */
  readonly onAwaited: (key: string) => void;
}

/** Its owner clears it at the end. A timer runs only while a target is down in a pool that holds. */
export class HeldTargets {
  readonly #options: HeldTargetsOptions;
  /** The slot of its pool by the key of each target that is down in a pool that holds its clients. */
  readonly #targets = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;

  constructor(options: HeldTargetsOptions) {
    this.#options = options;
  }

  /** A target is down, of a pool that holds its clients. */
  add(key: string, poolSlot: number): void {
    this.#targets.set(key, poolSlot);
    this.#lookLater();
  }

  /** Nobody is held for a target any more. */
  remove(key: string): void {
    if (this.#targets.delete(key) && this.#targets.size === 0) this.clear();
  }

  /** Nobody is held for any target. */
  clear(): void {
    this.#targets.clear();
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
    for (const [key, poolSlot] of this.#targets) if (queuedOf(poolSlot) > 0) onAwaited(key);
    if (this.#targets.size > 0) this.#lookLater();
  }
}
