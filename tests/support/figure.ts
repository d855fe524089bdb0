/** Figures of the acceptance table: the long form of a scenario records them, and `deno task soak` judges them. */
import assert from "node:assert/strict";
import { engine } from "./engine.ts";
import { soak } from "./soak.ts";

/** A figure of a row of the table: the least is the best, and `most` is wanted at most. */
export interface Figure {
  readonly row: number;
  readonly what: string;
  readonly is: number;
  readonly most: number;
  readonly unit: string;
  readonly engine: string;
}

/** Up to so many times what is wanted a figure is missed, and no more than that. Beyond, the scenario fails. */
const missedByFar = 5;

/** Where figures go, for `deno task soak` to read: a line of JSON each. */
export const figuresVariable = "LB_SOAK_FIGURES";

/**
 * In the long form prints a figure and records it for its row. Fails only when it is missed by far: how much a busy machine
 * has of it is judged in the table. `most: 0` is a count of what may not happen, and fails at one.
 */
export function figure(
  what: string,
  { row, is, most, unit }: Pick<Figure, "row" | "is" | "most" | "unit">,
): void {
  if (!soak) return;
  const told = `row ${row}: ${figureText({ what, is, most, unit })}`;
  Deno.stdout.writeSync(new TextEncoder().encode(`${told}\n`));
  const file = Deno.env.get(figuresVariable);
  const recorded: Figure = { row, what, is, most, unit, engine };
  if (file !== undefined) Deno.writeTextFileSync(file, `${JSON.stringify(recorded)}\n`, { append: true });
  assert.ok(is <= missedByFar * most, told);
}

/** A figure in words. */
export function figureText({ what, is, most, unit }: Pick<Figure, "what" | "is" | "most" | "unit">): string {
  const suffix = unit === "" ? "" : ` ${unit}`;
  return `${what} ${digits(is)}${suffix} (≤ ${digits(most)})`;
}

/** Whole numbers as they are, others with as many places as they need to be told apart. */
function digits(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}
