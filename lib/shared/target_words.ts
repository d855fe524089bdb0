import { type SharedMemory, targetWordCount } from "./layout.ts";

const stateWord = 0;
const weightWord = 1;
const addressWord = 2;

/** A weight in shared memory is fixed point: so many units are a weight of 1. */
const unitsPerWeight = 65_536;

/**
 * What all threads know of each target, by slot. The control plane alone writes state and weight, and then advances the
 * pool's epoch: whoever has seen the new epoch sees the new words.
 */
export class TargetWords {
  readonly #words: Int32Array;

  constructor({ targets }: Pick<SharedMemory, "targets">) {
    this.#words = targets;
  }

  /** The state bits; 0 in fresh memory: no session is to go there. What they mean is the writer's. */
  state(slot: number): number {
    return this.#words[slot * targetWordCount + stateWord]!;
  }

  /** The weight in force, 0 to 32,767, to the nearest 1/65,536. */
  weight(slot: number): number {
    return this.#words[slot * targetWordCount + weightWord]! / unitsPerWeight;
  }

  /** Sets state bits and weight; true when that changed anything. */
  set(slot: number, { state, weight }: { readonly state: number; readonly weight: number }): boolean {
    const at = slot * targetWordCount;
    const units = Math.round(weight * unitsPerWeight);
    const changed = this.#words[at + stateWord] !== state || this.#words[at + weightWord] !== units;
    this.#words[at + stateWord] = state;
    this.#words[at + weightWord] = units;
    return changed;
  }

  /** Which of a target's addresses a connection was made to last, as an index; a hint that any thread may write. */
  lastAddress(slot: number): number {
    return this.#words[slot * targetWordCount + addressWord]!;
  }

  setLastAddress(slot: number, index: number): void {
    this.#words[slot * targetWordCount + addressWord] = index;
  }

  /** Forgets everything about a slot, before it gets another owner; no thread may be using it. */
  clear(slot: number): void {
    this.#words.fill(0, slot * targetWordCount, (slot + 1) * targetWordCount);
  }
}
