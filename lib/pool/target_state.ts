/** What a target is, as people and picks see it: one function of all that is known of it. Pure. */

/** A target's state in the words of the contract. */
export type TargetState = "checking" | "up" | "down" | "ejected" | "draining" | "maintenance";

/** The bits of the state word in shared memory. */
export const stateBits = { up: 1, ejected: 2, draining: 4, maintenance: 8 } as const;

/** All that decides about a target's state. */
export interface TargetConditions {
  /** What its probes say. */
  readonly verdict: "checking" | "up" | "down";
  /** Whether it is out because real connections to it fail. */
  readonly ejected: boolean;
  /** What an operator has set. */
  readonly override: "draining" | "maintenance" | undefined;
}

/** The one word for it: what an operator has set comes first, then what its probes say, then ejection. */
export function targetState({ verdict, ejected, override }: TargetConditions): TargetState {
  if (override !== undefined) return override;
  return verdict === "up" && ejected ? "ejected" : verdict;
}

/** The same for shared memory, each condition a bit of its own. */
export function stateWord({ verdict, ejected, override }: TargetConditions): number {
  return (verdict === "up" ? stateBits.up : 0) | (ejected ? stateBits.ejected : 0) |
    (override === undefined ? 0 : stateBits[override]);
}

/** Whether a target with this word takes new sessions, as far as its state goes. */
export function takesSessions(word: number): boolean {
  return word === stateBits.up;
}
