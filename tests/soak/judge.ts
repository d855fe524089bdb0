/** What came of a row on an engine. */
import { type Figure, figureText } from "../support/figure.ts";
import type { TestEnd } from "./test_process.ts";

/**
 * `passed`: every test did, and every figure is as wanted. `missed`: one figure is not. `failed`: a test failed, or none ran.
 * `hung`: it was not over at its limit. `skipped`: this engine or this machine cannot. `absent`: there is no such test yet.
 */
export type Verdict = "passed" | "missed" | "failed" | "hung" | "skipped" | "absent";

/** A line of the table. */
export interface Result {
  readonly row: number;
  readonly fault: string;
  readonly wanted: string;
  readonly engine: string;
  readonly verdict: Verdict;
  readonly measured: string;
  /** Why it did not pass; undefined when it did. */
  readonly cause?: string;
  readonly seconds: number;
  /** The longest that the machine kept a thread waiting meanwhile: that much of a figure may be the machine's. */
  readonly stallMs: number;
  readonly figures: readonly Figure[];
}

/** The part of a result that the run decides. */
export type Judged = Pick<Result, "verdict" | "measured" | "cause" | "seconds" | "stallMs" | "figures">;

/** What `deno test` says at its end. */
interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

const maxCauseLength = 400;

/** Judges a run of a row's tests. */
export function judge(end: TestEnd): Judged {
  const figures = worstOfEach(end.figures);
  const over = figures.filter(({ is, most }) => !(is <= most));
  const { seconds, stallMs, printed } = end;
  const summary = summaryOf(printed);
  const measured = [...figures.map(figureText), testsText(summary)].join("; ");
  const because = (verdict: Verdict, cause: string): Judged => ({
    verdict,
    measured,
    cause: cause.slice(0, maxCauseLength),
    seconds,
    stallMs,
    figures,
  });
  if (end.code === null) {
    return because("hung", `not over after ${Math.round(seconds)} s, at: ${lastLine(printed)}`);
  }
  if (end.code !== 0) return because("failed", lastError(printed) ?? `exit code ${end.code}`);
  if (summary === undefined || summary.passed === 0) {
    return (summary?.ignored ?? 0) > 0
      ? because("skipped", reasonsOfIgnored(printed))
      : because("failed", "no test ran");
  }
  if (over.length > 0) return because("missed", over.map(figureText).join("; "));
  return { verdict: "passed", measured, seconds, stallMs, figures };
}

/** Of what was measured more than once, as with one worker and with two, the one that is worst beside what is wanted. */
function worstOfEach(figures: readonly Figure[]): Figure[] {
  const badness = ({ is, most }: Figure) => most === 0 ? is : is / most;
  const worst = new Map<string, Figure>();
  for (const figure of figures) {
    const before = worst.get(figure.what);
    if (before === undefined || badness(figure) > badness(before)) worst.set(figure.what, figure);
  }
  return [...worst.values()];
}

function summaryOf(printed: string): Summary | undefined {
  const line = printed.split("\n").findLast((line) => /^(ok|FAILED) \| \d+ passed/.test(line));
  if (line === undefined) return undefined;
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(line)?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), ignored: count("ignored") };
}

function testsText(summary: Summary | undefined): string {
  if (summary === undefined) return "no end of the tests";
  const { passed, failed, ignored } = summary;
  const parts: [number, string][] = [[passed, "passed"], [failed, "failed"], [ignored, "skipped"]];
  return `tests: ${
    parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`).join(", ")
  }`;
}

/** The first line of the last error that a test has failed with. */
function lastError(printed: string): string | undefined {
  const errors = printed.split("\n").filter((line) => /^error: /.test(line)).map((line) =>
    line.slice("error: ".length)
  );
  return errors.findLast((error) => error !== "Test failed");
}

function lastLine(printed: string): string {
  return printed.split("\n").map((line) => line.trim()).findLast((line) => line !== "") ?? "nothing printed";
}

/** Tests that do not run say in brackets why. */
function reasonsOfIgnored(printed: string): string {
  const reasons = printed.split("\n").map((line) =>
    /\((?:skipped|ignored): (.*)\) \.\.\. ignored/.exec(line)?.[1]
  ).filter((reason) => reason !== undefined);
  return reasons.length === 0 ? "its tests do not run on this machine" : [...new Set(reasons)].join("; ");
}
