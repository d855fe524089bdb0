/** What a target is, as people and picks see it: one function of all that is known of it. Pure. */

/** A target's state in the words of the contract. */
export type TargetState = "checking" | "up" | "down" | "ejected" | "draining" | "maintenance";

/** The bits of the state word in shared memory. */
export const stateBits = { up: 1, ejected: 2, draining: 4, maintenance: 8, trial: 16 } as const;

/** All that decides about a target's state. */
export interface TargetConditions {
  /** What its probes say. */
  readonly verdict: "checking" | "up" | "down";
  /** Whether it is out because real connections to it fail; `trial`: one session is let in, which decides. */
  readonly ejection: "none" | "ejected" | "trial";
  /** What an operator has set. */
  readonly override: "draining" | "maintenance" | undefined;
}

/** The one word for it: what an operator has set comes first, then what its probes say, then ejection. */
export function targetState({ verdict, ejection, override }: TargetConditions): TargetState {
  if (override !== undefined) return override;
  return verdict === "up" && ejection !== "none" ? "ejected" : verdict;
}

/** The same for shared memory, each condition a bit of its own. */
export function stateWord({ verdict, ejection, override }: TargetConditions): number {
  return (verdict === "up" ? stateBits.up : 0) | (ejection === "none" ? 0 : stateBits.ejected) |
    (ejection === "trial" ? stateBits.trial : 0) | (override === undefined ? 0 : stateBits[override]);
}

/** Whether a target with this word takes new sessions, as far as its state goes. */
export function takesSessions(word: number): boolean {
  return word === stateBits.up;
}

/** Whether a target with this word takes one session, as a trial. */
export function takesTrial(word: number): boolean {
  return word === (stateBits.up | stateBits.ejected | stateBits.trial);
}

/** Whether a target with this word is tried where all are down and the pool fails open: all but those an operator has taken out. */
export function takesWhenAllDown(word: number): boolean {
  return (word & (stateBits.draining | stateBits.maintenance)) === 0;
}
