/**
 * When a target to which real connections fail is out, for how long, and how it comes back. Pure: times in milliseconds of
 * whichever clock the caller has.
 *
 * in ──fails──▶ out ──time over, a passing probe──▶ trial ──passed, nobody tries it──▶ in
 *                ▲────────────────failed──────────────┘
 *
 * From wherever it is, a target is in again once its ejection has lost its reason: it does not serve anyway, or nobody else does.
 *
 * Each ejection in a row lasts longer: `baseTimeMs` times their number. The number falls by one for each `baseTimeMs` that the
 * target then spends in without another.
 */

/** By which rule; `maxShare` is a fraction of the pool's targets. `observe`: nobody is taken out, it is only said who would be. */
export interface EjectionRule {
  readonly baseTimeMs: number;
  readonly maxTimeMs: number;
  readonly maxShare: number;
  readonly mode: "enforce" | "observe";
}

/** Where a target stands; `inRow` is how many ejections in a row it has had, up to `since`. */
export type Ejection =
  | { readonly phase: "in"; readonly inRow: number; readonly since: number }
  | { readonly phase: "out"; readonly inRow: number; readonly since: number; readonly until: number }
  /** One session is let in, which decides; `connectedSince`: when it was first seen to be connected. */
  | {
    readonly phase: "trial";
    readonly inRow: number;
    readonly since: number;
    readonly connectedSince: number | undefined;
  }
  /** It would be out until then, were the rule in force. */
  | { readonly phase: "observed"; readonly inRow: number; readonly since: number; readonly until: number };

/** What happens to a target. */
export type EjectionInput =
  /** As many connections in a row have failed as the pool bears, and nothing speaks against an ejection (`whyWithheld`). */
  | { readonly kind: "failing" }
  /** Time has passed; whether a session has the trial, if there is one, and is connected. */
  | { readonly kind: "timePassed"; readonly isTaken: boolean; readonly isConnected: boolean }
  | { readonly kind: "probePassed" }
  /** It is not to be ejected any more, whatever its clients have met. */
  | { readonly kind: "released" }
  | { readonly kind: "trialEnded"; readonly passed: boolean };

export interface EjectionContext {
  readonly now: number;
  readonly rule: EjectionRule;
}

/** A target that never was out. */
export const neverEjected: Ejection = { phase: "in", inRow: 0, since: 0 };

/** A session on trial that stays connected for so long has passed, also where neither side has said a word. */
export const silentTrialMs = 5_000;

/** Where the target stands behind an input: the same object where the input changes nothing. */
export function step(before: Ejection, input: EjectionInput, context: EjectionContext): Ejection {
  if (input.kind === "released") return before.phase === "in" ? before : released(before, context);
  switch (before.phase) {
    case "in":
      return input.kind === "failing" ? ejected(before, context) : before;
    case "observed":
      return input.kind === "failing" && context.now >= before.until ? ejected(before, context) : before;
    case "out":
      return isTrialDue(before, input, context) ? onTrial(before, context) : before;
    case "trial":
      if (input.kind === "trialEnded") {
        return input.passed ? returned(before, context) : ejected(before, context);
      }
      return input.kind === "timePassed" ? watched(before, input, context) : before;
  }
}

/** The same target under another rule; undefined = it is not ejected at all any more, and what was is forgotten. */
export function underRule(
  before: Ejection,
  { now, rule }: { readonly now: number; readonly rule: EjectionRule | undefined },
): Ejection {
  if (rule === undefined) return neverEjected;
  const isIn = before.phase === "in" || before.phase === (rule.mode === "observe" ? "observed" : "out");
  if (isIn || (before.phase === "trial" && rule.mode === "enforce")) return before;
  return { phase: "in", inRow: before.inRow, since: now };
}

/** How many ejections in a row count now. */
export function inRowAt(ejection: Ejection, { now, rule }: EjectionContext): number {
  if (ejection.phase === "out" || ejection.phase === "trial") return ejection.inRow;
  const servingSince = ejection.phase === "in" ? ejection.since : ejection.until;
  const steps = Math.floor(Math.max(0, now - servingSince) / Math.max(1, rule.baseTimeMs));
  return Math.max(0, ejection.inRow - steps);
}

/** Whether it takes no sessions as any other target does. */
export function isEjected({ phase }: Ejection): boolean {
  return phase === "out" || phase === "trial";
}

/** What is counted of a pool before one of its targets is ejected. */
export interface PoolCounts {
  readonly targets: number;
  /** Those that are out or on trial, by `mode: observe` those that would be. */
  readonly ejected: number;
  /** Those that take sessions, with the one that is to be ejected. */
  readonly eligible: number;
}

/** Why a target is not ejected although connections to it fail. */
export type Withheld = "lastEligible" | "maxShare";

/** Why an eligible target is not ejected; undefined = it is. */
export function whyWithheld(
  { targets, ejected, eligible }: PoolCounts,
  { maxShare }: Pick<EjectionRule, "maxShare">,
): Withheld | undefined {
  if (eligible <= 1) return "lastEligible";
  return ejected + 1 > maxEjected(targets, maxShare) ? "maxShare" : undefined;
}

/** How many targets of a pool may be ejected at once. */
export function maxEjected(targets: number, maxShare: number): number {
  // 0.29 × 100 is a little less than 29 in floating point.
  return Math.floor(maxShare * targets + 1e-9);
}

function ejected(before: Ejection, context: EjectionContext): Ejection {
  const { now, rule } = context;
  const inRow = inRowAt(before, context) + 1;
  const until = now + Math.min(inRow * rule.baseTimeMs, rule.maxTimeMs);
  return { phase: rule.mode === "observe" ? "observed" : "out", inRow, since: now, until };
}

function onTrial({ inRow }: Ejection, { now }: EjectionContext): Ejection {
  return { phase: "trial", inRow, since: now, connectedSince: undefined };
}

function returned({ inRow }: Ejection, { now }: EjectionContext): Ejection {
  return { phase: "in", inRow, since: now };
}

/** What counts of ejections in a row has been falling already where it was only observed. */
function released(before: Ejection, context: EjectionContext): Ejection {
  return returned({ ...before, inRow: inRowAt(before, context) }, context);
}

function isTrialDue(
  { since, until }: Extract<Ejection, { phase: "out" }>,
  { kind }: EjectionInput,
  { now, rule }: EjectionContext,
): boolean {
  return kind === "timePassed" ? now >= until : kind === "probePassed" && now >= since + rule.baseTimeMs;
}

function watched(
  before: Extract<Ejection, { phase: "trial" }>,
  { isTaken, isConnected }: Extract<EjectionInput, { kind: "timePassed" }>,
  context: EjectionContext,
): Ejection {
  const { connectedSince } = before;
  // A target that nobody needs must not wait for a client for ever: without news it was out for long enough.
  if (!isTaken && context.now - before.since >= context.rule.baseTimeMs) return returned(before, context);
  if (!isConnected) return connectedSince === undefined ? before : { ...before, connectedSince: undefined };
  if (connectedSince === undefined) return { ...before, connectedSince: context.now };
  return context.now - connectedSince >= silentTrialMs ? returned(before, context) : before;
}
