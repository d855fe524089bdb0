import { type SharedMemory, targetWordCount } from "./layout.ts";

const stateWord = 0;
const weightWord = 1;
const shareWord = 2;
const addressWord = 3;
const refusalsWord = 4;
const resetsWord = 5;
const trialWord = 6;

/** Weights and shares in shared memory are fixed point: so many units are 1. */
const unitsPerOne = 65_536;

/** How far a trial is: nobody's, a session's that is connecting, a session's that is connected. */
const trialStates = ["free", "connecting", "connected"] as const;
export type TrialState = typeof trialStates[number];

export interface Trial {
  /** 0 up to 2^30 - 1, then 0 again. */
  readonly number: number;
  readonly state: TrialState;
}

/** The number of a trial stands above its state in the word. */
const trialStateBits = 2;

function trialOf(number: number, state: TrialState): number {
  return number << trialStateBits | trialStates.indexOf(state);
}

/** What the control plane decides about a target. */
export interface TargetRow {
  /** Bits; what they mean is the writer's. */
  readonly state: number;
  /** The weight in force, 0 to 32,767. */
  readonly weight: number;
  /** Which share of its `maxConnections` it takes now, above 0 to 1; 1 if left out. */
  readonly share?: number;
}

/**
 * What all threads know of each target, by slot. State, weight and share are written by the control plane alone, which then
 * advances the pool's epoch: whoever has seen the new epoch sees the new words. The others count what sessions meet.
 */
export class TargetWords {
  readonly #words: Int32Array;

  constructor({ targets }: Pick<SharedMemory, "targets">) {
    this.#words = targets;
  }

  /** The state bits; 0 in fresh memory: no session is to go there. */
  state(slot: number): number {
    return this.#words[slot * targetWordCount + stateWord]!;
  }

  /** The weight in force, to the nearest 1/65,536. */
  weight(slot: number): number {
    return this.#words[slot * targetWordCount + weightWord]! / unitsPerOne;
  }

  /** The share of its `maxConnections`, to the nearest 1/65,536. */
  share(slot: number): number {
    return this.#words[slot * targetWordCount + shareWord]! / unitsPerOne;
  }

  /** Sets what the control plane has decided; true when that changed anything. */
  set(slot: number, { state, weight, share = 1 }: TargetRow): boolean {
    const at = slot * targetWordCount;
    const words = [state, Math.round(weight * unitsPerOne), Math.round(share * unitsPerOne)];
    const changed = words.some((word, index) => this.#words[at + index] !== word);
    this.#words.set(words, at);
    return changed;
  }

  /** Which of a target's addresses a connection was made to last, as an index; a hint that any thread may write. */
  lastAddress(slot: number): number {
    return this.#words[slot * targetWordCount + addressWord]!;
  }

  setLastAddress(slot: number, index: number): void {
    this.#words[slot * targetWordCount + addressWord] = index;
  }

  /** Counts a failed connect; returns the failures in a row. */
  countRefusal(slot: number): number {
    Atomics.add(this.#words, slot * targetWordCount + refusalsWord, 1);
    return this.failures(slot);
  }

  /** Counts a session that the target reset before its first byte; returns the failures in a row. */
  countReset(slot: number): number {
    Atomics.add(this.#words, slot * targetWordCount + resetsWord, 1);
    return this.failures(slot);
  }

  /** A connection was made: what was refused before is forgotten. Resets are not, for each of them came behind a connection. */
  forgetRefusals(slot: number): void {
    this.#zero(slot, refusalsWord);
  }

  /** The target has served a session: no failure before counts any more. */
  forgetFailures(slot: number): void {
    this.#zero(slot, refusalsWord);
    this.#zero(slot, resetsWord);
  }

  /** Failed connects and resets in a row. */
  failures(slot: number): number {
    const at = slot * targetWordCount;
    return Atomics.load(this.#words, at + refusalsWord) + Atomics.load(this.#words, at + resetsWord);
  }

  /** Begins a trial that any session may take: one that another session still has means nothing any more. */
  beginTrial(slot: number): void {
    const { number } = this.trial(slot);
    Atomics.store(this.#words, slot * targetWordCount + trialWord, trialOf(number + 1, "free"));
  }

  /** Takes the trial of a target, and gives it a number of its own; undefined when there is none, or another session has it. */
  takeTrial(slot: number): number | undefined {
    const { number, state } = this.trial(slot);
    if (state !== "free") return undefined;
    const taken = (number + 1) % 2 ** (32 - trialStateBits);
    return this.#changeTrial(slot, [trialOf(number, "free"), trialOf(taken, "connecting")])
      ? taken
      : undefined;
  }

  /** Says how far the session with this trial is, or that it shows nothing; changes nothing where the trial is not its any more. */
  setTrial(slot: number, number: number, state: TrialState): void {
    const now = this.trial(slot);
    if (now.number === number) this.#changeTrial(slot, [trialOf(number, now.state), trialOf(number, state)]);
  }

  /** The trial of a target: each that is begun and each that is taken has another number. */
  trial(slot: number): Trial {
    const word = Atomics.load(this.#words, slot * targetWordCount + trialWord);
    return { number: word >>> trialStateBits, state: trialStates[word & (2 ** trialStateBits - 1)]! };
  }

  /** Forgets everything about a slot, before it gets another owner; no thread may be using it. */
  clear(slot: number): void {
    this.#words.fill(0, slot * targetWordCount, (slot + 1) * targetWordCount);
  }

  #changeTrial(slot: number, [from, to]: readonly [number, number]): boolean {
    return Atomics.compareExchange(this.#words, slot * targetWordCount + trialWord, from, to) === from;
  }

  /** Written only where it is not zero already: most sessions have nothing to forget, and the line is every thread's. */
  #zero(slot: number, word: number): void {
    const at = slot * targetWordCount + word;
    if (this.#words[at] !== 0) Atomics.store(this.#words, at, 0);
  }
}
