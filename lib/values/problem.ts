/** Says why a text is not the value it should be: a phrase that follows the quoted text, with the fix ("has no port; write ..."). */
export interface Problem {
  readonly problem: string;
}

/** Tells a problem from a parsed value. */
export function isProblem(result: unknown): result is Problem {
  return typeof result === "object" && result !== null && "problem" in result;
}
