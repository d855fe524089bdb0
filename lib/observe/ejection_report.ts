/** From what ejection does to a target to the line that the log has of it. */
import { formatDuration } from "../values/duration.ts";
import { inWords, type ReportLine } from "./report.ts";

interface Told {
  readonly pool: string;
  readonly target: string;
  readonly cause: string;
}

export type TargetEjected = Told & {
  readonly kind: "ejected" | "ejectionObserved";
  /** In a row; null = its trial has failed. */
  readonly failures: number | null;
  /** The how manieth ejection in a row. */
  readonly inRow: number;
  readonly ms: number;
};

export type EjectionWithheld = Told & {
  readonly kind: "ejectionWithheld";
  /** In a row; null = its trial has failed. */
  readonly failures: number | null;
  readonly why: "lastEligible" | "maxShare";
};

export type EjectionTold = TargetEjected | EjectionWithheld | Told & { readonly kind: "trial" | "returned" };

const reasonsWithheld = {
  lastEligible: "it is the last eligible one of its pool",
  maxShare: "as many of its pool are ejected as ejection.maxShare allows",
} as const;

/** A target is ejected, would be, is on trial or is in again. */
export function ejectionLine(event: EjectionTold): ReportLine {
  const { kind, pool, target } = event;
  const cause = inWords(event.cause);
  const name = `target ${pool}/${target}`;
  switch (kind) {
    case "ejected":
    case "ejectionObserved": {
      const { failures, inRow, ms } = event;
      const what = kind === "ejected" ? "is ejected" : "would be ejected (ejection.mode: observe)";
      const again = inRow > 1 ? `, ${inRow} times in a row` : "";
      return {
        level: "warn",
        message: `${name} ${what} for ${formatDuration(ms)}${again}: ${failed(failures)}: ${cause}`,
        fields: { pool, target, ejection: kind, failures, inRow, ms, cause },
      };
    }
    case "ejectionWithheld": {
      const { failures, why } = event;
      return {
        level: "warn",
        message: `${name} is not ejected, ${reasonsWithheld[why]}: ${failed(failures)}: ${cause}`,
        fields: { pool, target, ejection: kind, failures, why, cause },
      };
    }
    case "trial":
      return {
        level: "info",
        message: `${name} is on trial, the next session decides: ${cause}`,
        fields: { pool, target, ejection: kind, cause },
      };
    case "returned":
      return {
        level: "info",
        message: `${name} is no longer ejected: ${cause}`,
        fields: { pool, target, ejection: kind, cause },
      };
  }
}

function failed(failures: number | null): string {
  return failures === null ? "its trial failed" : `${failures} connections in a row failed`;
}
